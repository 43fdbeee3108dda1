import type { Lease } from "../api/fields";
import { useStore } from "../shell/useStore";
import css from "./label.module.css";
import type { Stage } from "./stage";

/** Which label a finger is about to vote for. */
export function SwipeHints({ stage, lease }: { stage: Stage; lease: Lease }) {
  const reached = useStore(stage.reached);
  const label = lease.labels[reached < 0 ? 0 : 1];
  if (reached === 0 || label === undefined) return null;
  return (
    <p
      className={css.swiped}
      data-side={reached < 0 ? "left" : "right"}
      data-far={Math.abs(reached) === 1 || undefined}
      aria-hidden="true"
    >
      {lease.label_names[label] ?? label}
    </p>
  );
}
