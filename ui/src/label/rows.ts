/** Rows of the grid, each leased for itself: which one is short, and how far it was looked through. */
import { type Lease, leaseRow } from "../api/fields";
import { LEAST_SURE, suggestionOf } from "./suggestions";

/** A row with fewer pictures is filled, so that there are the next ones when it is voted. */
const SHORT = 8;
const FULL = 16;
/** The most that the platform leases, and the most it leaves with one person by rows. */
const MOST_HELD = 100;
/** After this long, times the labels in these portions, a row is looked through again from its beginning. */
const AGAIN_MS = 30_000;
const LABELS_AT_ONCE = 24;

export interface ShortRow {
  taskId: string;
  label: string;
  /** How many images to hold of it. */
  count: number;
}

interface Look {
  cursor: string | null;
  againAt: number;
}

export class Rows {
  readonly #looks = new Map<string, Look>();

  /** The first short row of the task of the first image held, unless it was looked through to its end just now. */
  short(held: readonly Lease[], aside: ReadonlySet<string>, now: number): ShortRow | null {
    const [first] = held;
    if (!first || held.length >= MOST_HELD) return null;
    const taskId = first.task_id;
    const suggested = held.filter((lease) => lease.task_id === taskId).flatMap((lease) => suggestionOf(lease) ?? []);
    for (const label of first.labels) {
      const ofRow = suggested.filter((one) => one.label === label);
      const left = ofRow.filter(({ lease }) => aside.has(lease.subtask_id)).length;
      if (ofRow.length - left < SHORT && this.#lookAt(taskId, label).againAt <= now)
        return { taskId, label, count: FULL + left };
    }
    return null;
  }

  /** Leases what a row lacks, and goes on behind it the next time; `busy` images of the task still hold a lease. */
  async lease({ taskId, label, count }: ShortRow, busy: number, labels: number): Promise<Lease[]> {
    const { cursor } = this.#lookAt(taskId, label);
    const row = { taskId, label, leastSure: LEAST_SURE, cursor };
    const found = await leaseRow(row, Math.min(count + busy, MOST_HELD));
    const isOver = found.cursor === null || found.cursor === cursor; // the end, or no more is leased just now
    const againAt = isOver ? Date.now() + AGAIN_MS * Math.ceil(labels / LABELS_AT_ONCE) : 0;
    this.#looks.set(keyOf(taskId, label), { cursor: found.cursor, againAt });
    return found.leases;
  }

  #lookAt(taskId: string, label: string): Look {
    return this.#looks.get(keyOf(taskId, label)) ?? { cursor: null, againAt: 0 };
  }
}

function keyOf(taskId: string, label: string): string {
  return `${taskId} ${label}`;
}
