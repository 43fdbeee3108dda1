import { tasks } from "../texts/en.tasks";
import css from "./bar.module.css";
import type { Task } from "./streams";

/** How a task stands: settled solid, disputed hatched, failed in stripes, processing dotted, open hollow. */
export function Bar({ counts, isThin = false }: { counts: Task["counts"]; isThin?: boolean }) {
  const { completed, disputed, open, processing, failed } = counts;
  return (
    <div className={`${css.bar} ${isThin ? css.thin : ""}`} role="img" aria-label={tasks.page.progress(counts)}>
      {completed > 0 && <i className={css.settled} style={{ flexGrow: completed }} />}
      {disputed > 0 && <i className={css.disputed} style={{ flexGrow: disputed }} />}
      {failed > 0 && <i className={css.failed} style={{ flexGrow: failed }} />}
      {processing > 0 && <i className={css.processing} style={{ flexGrow: processing }} />}
      {(open > 0 || counts.images === 0) && <i className={css.open} style={{ flexGrow: Math.max(open, 1) }} />}
    </div>
  );
}

/** How many images need nothing more. */
export function endedOf({ completed, disputed, failed }: Task["counts"]): number {
  return completed + disputed + failed;
}

/** The share of images that have ended, as a ring; once all have, whether disputes wait for a decision. */
export function ShareRing({ counts }: { counts: Task["counts"] }) {
  const share = counts.images === 0 ? 0 : endedOf(counts) / counts.images;
  const isDisputed = share === 1 && counts.disputed > 0;
  return (
    <svg
      className={`${css.ring} ${isDisputed ? css.contested : ""}`}
      width="24"
      height="24"
      viewBox="0 0 24 24"
      aria-hidden="true"
    >
      <circle cx="12" cy="12" r="9.5" pathLength="100" />
      {share > 0 && (
        <circle className={css.share} cx="12" cy="12" r="9.5" pathLength="100" strokeDasharray={`${share * 100} 100`} />
      )}
      {share === 1 && <path d={isDisputed ? "M8.6 8.6l6.8 6.8M15.4 8.6l-6.8 6.8" : "M8 12.4l2.8 2.8 5.2-5.8"} />}
    </svg>
  );
}
