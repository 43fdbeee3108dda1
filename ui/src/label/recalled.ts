/** What a person did before this page, or elsewhere: which of their votes may still be undone. Pure. */
import type { Activity } from "../api/fields";
import type { Past, VoteRecord } from "./queue";

export interface Recalled {
  /** The votes that may be undone, oldest first. */
  past: readonly Past[];
  /** How many of those under way here the platform had not counted. */
  unheard: number;
}

/** `underWay` are the person's own votes that this browser still sends; of a task that was chosen, only its votes. */
export function recalled(activity: Activity | null, underWay: readonly VoteRecord[], taskId: string | null): Recalled {
  const counted = activity?.recent ?? [];
  const heard = new Set(counted.map(({ subtask_id }) => subtask_id));
  const unheard = underWay
    .filter(({ lease }) => !heard.has(lease.subtask_id))
    .toSorted((one, other) => one.castAt - other.castAt);
  const undoable = counted
    .filter(({ can_undo }) => can_undo)
    .toReversed()
    .map(({ label, ...lease }) => ({ lease, label: label ?? "unsure" }));
  const past = [...undoable, ...unheard.map(({ lease, label }) => ({ lease, label }))];
  return { past: past.filter(({ lease }) => taskId === null || lease.task_id === taskId), unheard: unheard.length };
}
