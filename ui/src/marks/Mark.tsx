import { arcs } from "./arcs";
import css from "./marks.module.css";

export type MarkState = "open" | "settled" | "disputed" | "detector" | "adjudicator" | "processing" | "failed";

export interface MarkProps {
  state: MarkState;
  /** Votes that the policy asks for: the number of arcs. */
  needed: number;
  /** Votes cast for the winner, or, while the image is open, at all. */
  agreeing?: number;
  /** Votes cast against the winner. */
  against?: number;
  size?: number;
  /** What a screen reader says; decoration where it is left out. */
  label?: string;
}

/** The quorum mark of one image: its state as a shape first, a colour second. */
export function Mark({ state, needed, agreeing = 0, against = 0, size = 18, label }: MarkProps) {
  const stroke = size * 0.139;
  const count = Math.min(Math.max(needed, agreeing + against, 1), 24);
  const paths = state === "failed" ? [] : arcs(state === "detector" ? 1 : count, size, stroke);
  const kind = (index: number) =>
    index < agreeing ? css.cast : index < agreeing + against ? css.against : css.wanting;
  return (
    <svg
      className={`${css.mark} ${css[state]}`}
      width={size}
      height={size}
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      aria-hidden={!label}
    >
      {paths.map((path, index) => (
        <path key={path} d={path} className={state === "detector" ? css.cast : kind(index)} strokeWidth={stroke} />
      ))}
      <Centre state={state} size={size} />
    </svg>
  );
}

function Centre({ state, size }: { state: MarkState; size: number }) {
  const unit = size / 18;
  const scale = `scale(${unit})`;
  if (state === "settled")
    return <path className={css.sign} transform={scale} d="M5.94 9.36l2.16 2.16 3.96-4.5" strokeWidth={1.6} />;
  if (state === "disputed")
    return (
      <path className={css.sign} transform={scale} d="M6.84 6.84l4.32 4.32M11.16 6.84l-4.32 4.32" strokeWidth={1.6} />
    );
  if (state === "detector") return <path className={css.filled} transform={scale} d="M6.66 6.66h4.68v4.68H6.66z" />;
  if (state === "adjudicator")
    return <path className={css.filled} transform={scale} d="M9 5.4l3.6 3.6-3.6 3.6-3.6-3.6z" />;
  if (state === "processing")
    return <path className={css.sign} transform={scale} d="M6 9h.1M9 9h.1M12 9h.1" strokeWidth={1.8} />;
  if (state === "failed")
    return <path className={css.sign} transform={scale} d="M9 2.4L16.4 15.4H1.6zM9 7v4M9 13.2v.1" strokeWidth={1.6} />;
  return null;
}
