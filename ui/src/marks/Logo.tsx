import css from "./marks.module.css";

export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg className={css.logo} width={size} height={size} viewBox="0 0 22 22" aria-hidden="true">
      <path d="M12.2 2.48A8.6 8.6 0 0 1 18.97 14.22" />
      <path d="M17.78 16.29A8.6 8.6 0 0 1 4.22 16.29" />
      <path className={css.quorum} d="M3.03 14.22A8.6 8.6 0 0 1 9.8 2.48" />
      <circle cx="11" cy="11" r="2.1" />
    </svg>
  );
}
