/** Takes votes back: from the outbox while they are there, else from the platform. */
import { type Lease, undoVote } from "../api/fields";
import type { Outbox } from "./outbox";
import * as queue from "./queue";

/** How long undo waits for votes that are just being sent. */
const SENDING_MS = 5_000;

export interface Undone {
  /** The images whose votes were taken back, leased anew. */
  back: readonly Lease[];
  /** Why others were not. */
  error: Error | null;
  isSending: boolean;
}

export async function takeBack(outbox: Outbox, user: string, leases: readonly queue.Voted[]): Promise<Undone> {
  const ends = Date.now() + SENDING_MS;
  const back: Lease[] = [];
  let error: Error | null = null;
  let left = leases;
  while (left.length > 0) {
    const at = await outbox.update((records) => queue.takeBack(records, user, left));
    back.push(...at.taken);
    for (const undone of await Promise.allSettled(at.gone.map(({ subtask_id }) => undoVote(subtask_id)))) {
      if (undone.status === "fulfilled") back.push(undone.value);
      else error = undone.reason instanceof Error ? undone.reason : new Error(String(undone.reason));
    }
    left = at.sending;
    if (Date.now() > ends) break;
    if (left.length > 0) await changed(outbox.records, ends - Date.now());
  }
  return { back: inOrder(back, leases), error, isSending: left.length > 0 };
}

/** As they were before the votes. */
function inOrder(back: readonly Lease[], leases: readonly queue.Voted[]): Lease[] {
  return leases.flatMap(({ subtask_id }) => back.find((lease) => lease.subtask_id === subtask_id) ?? []);
}

function changed(records: Outbox["records"], atMostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.max(atMostMs, 0));
    const forget = records.subscribe(done);
    function done(): void {
      clearTimeout(timer);
      forget();
      resolve();
    }
  });
}
