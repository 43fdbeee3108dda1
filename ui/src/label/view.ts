/** What the Label page shows of a session. */
import type { Lease } from "../api/fields";
import type * as queue from "./queue";

export interface View {
  phase: "starting" | "working" | "empty" | "failed";
  lease: Lease | null;
  ahead: readonly Lease[];
  /** The votes that can be undone, newest last. */
  past: readonly queue.Past[];
  /** Labels of the last votes, newest first. */
  recent: readonly string[];
  taskName: string | null;
  /** Whether the detector may suggest labels in this task, and does so for an image that is held. */
  isGridOffered: boolean;
  waitingForOthers: number;
  /** Whether the task that was chosen has no work left for anybody. */
  isFinished: boolean;
  /** Votes cast today, here and elsewhere. */
  today: number;
  perMinute: number;
  leftMs: number | null;
  isIdle: boolean;
  notice: string | null;
  error: unknown;
}

export function emptyView(today: number): View {
  return {
    phase: "starting",
    lease: null,
    ahead: [],
    past: [],
    recent: [],
    taskName: null,
    isFinished: false,
    isGridOffered: false,
    waitingForOthers: 0,
    today,
    perMinute: 0,
    leftMs: null,
    isIdle: false,
    notice: null,
    error: null,
  };
}
