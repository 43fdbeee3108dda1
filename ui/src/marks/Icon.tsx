import css from "./marks.module.css";

const PATHS = {
  tick: "M3 8.5l3.2 3.2L13 5",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.8V8l2.2 1.6",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.2 6.2a1.9 1.9 0 1 1 2.5 1.8c-.5.2-.7.5-.7 1M8 11v.2",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6",
  screen: "M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5",
  minus: "M3 8h10",
  plus: "M8 3v10M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  boxes: "M2.5 5.5h11v8h-11zM2.5 5.5v-3h5v3",
  suggestion: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.2 6.2h3.6v3.6H6.2z",
  one: "M2.5 3.5h11v9h-11z",
  grid: "M2.5 2.5h4.4v4.4H2.5zM9.1 2.5h4.4v4.4H9.1zM2.5 9.1h4.4v4.4H2.5zM9.1 9.1h4.4v4.4H9.1z",
  cross: "M4 4l8 8M12 4l-8 8",
  up: "M4.5 9.5L8 6l3.5 3.5",
  down: "M4.5 6.5L8 10l3.5-3.5",
  before: "M9.5 4.5L6 8l3.5 3.5",
  after: "M6.5 4.5L10 8l-3.5 3.5",
  download: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  more: "M3.2 8h.1M8 8h.1M12.8 8h.1",
  link: "M6.6 9.4l2.8-2.8M7.4 4.9l1-1a2.6 2.6 0 0 1 3.7 3.7l-1 1M8.6 11.1l-1 1a2.6 2.6 0 0 1-3.7-3.7l1-1",
  bin: "M2.8 4.5h10.4M6 4.5V2.8h4v1.7M4.3 4.5l.6 8.7h6.2l.6-8.7",
  lock: "M4 7.5V5.2a4 4 0 0 1 8 0v2.3M3 7.5h10v6H3z",
  warning: "M8 2.5l6 11H2zM8 6.5v3M8 11.4v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className={css.icon} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
