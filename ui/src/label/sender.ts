/** Sends votes. One tab of the browser does, for all tabs and for every user whose votes are stored. */
import { callerHeaders } from "../api/caller";
import { ApiProblem, api, bodyOf } from "../api/client";
import { auth, who } from "../shell/who";
import type { Outbox } from "./outbox";
import { claim, isPassing, nextDue, type Outcome, settle, type VoteRecord } from "./queue";

const LONGEST_PAUSE_MS = 30_000;
const SHORTEST_PAUSE_MS = 1_000;

/** Sends as long as the page lives, whenever this tab is the one that does. */
export function startSender(outbox: Outbox): void {
  const send = () => sendForever(outbox);
  // Without locks (plain HTTP from another machine) each tab sends: a repeated vote is counted once.
  void (navigator.locks ? navigator.locks.request("quorate-sender", send) : send());
}

/** Where people sign in, a session sends nobody's votes but its own person's; the others' wait for them. */
export function maySend(user: string): boolean {
  return auth.get() === "off" || user === who.get();
}

async function sendForever(outbox: Outbox): Promise<never> {
  await outbox.refresh();
  let failures = 0;
  for (;;) {
    let toldMs = 0;
    const heed = (seconds: number) => {
      toldMs = Math.min(seconds * 1000, LONGEST_PAUSE_MS);
    };
    const batch = await outbox.update((records) => claim(records, Date.now(), maySend));
    if (batch.length === 0) await untilDue(outbox);
    else if (await deliver(outbox, batch, heed)) failures = 0;
    else await untilOnlineOr(Math.max(pause(failures++), toldMs));
  }
}

function pause(failures: number): number {
  const longest = Math.min(SHORTEST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
  return longest / 2 + (Math.random() * longest) / 2;
}

/** Sends a batch; false where part of it has to go again, after the seconds that `heed` is told if the platform says. */
export async function deliver(
  outbox: Outbox,
  batch: readonly VoteRecord[],
  heed: (seconds: number) => void = () => undefined,
): Promise<boolean> {
  const user = batch[0]?.user ?? "";
  if (!maySend(user)) return false;
  try {
    const outcomes = await send(user, batch);
    await outbox.update((records) => settle(records, user, outcomes));
    return outcomes.length === batch.length && !outcomes.some((outcome) => isPassing(outcome.status));
  } catch (error) {
    if (error instanceof ApiProblem && error.retryAfterSeconds !== null) heed(error.retryAfterSeconds);
    if (!(error instanceof ApiProblem) || isPassing(error.status)) return false;
    return refuse(outbox, user, batch, error, heed);
  }
}

/** The platform refused the request as a whole: the votes go one by one, so that one bad vote stops no other. */
async function refuse(
  outbox: Outbox,
  user: string,
  batch: readonly VoteRecord[],
  error: ApiProblem,
  heed: (seconds: number) => void,
): Promise<boolean> {
  const [only] = batch;
  if (batch.length > 1 || !only) {
    for (const record of batch) if (!(await deliver(outbox, [record], heed))) return false;
    return true;
  }
  const { status, detail } = error;
  const outcome = { subtask_id: only.lease.subtask_id, status, detail, code: error.code ?? "" };
  await outbox.update((records) => settle(records, user, [outcome]));
  return true;
}

async function send(user: string, batch: readonly VoteRecord[]): Promise<Outcome[]> {
  const votes = batch.map(({ lease, label, manner = { mode: "single" as const } }) => ({
    subtask_id: lease.subtask_id,
    token: lease.token,
    label,
    ...manner,
  }));
  const answer = await api.POST("/api/votes", {
    body: { votes },
    headers: callerHeaders(user),
    keepalive: true, // the browser finishes it when the page is closed
  });
  return bodyOf(answer).outcomes;
}

/** Waits until a vote may be sent, or the records have changed. */
function untilDue(outbox: Outbox): Promise<void> {
  return new Promise((resolve) => {
    const due = nextDue(outbox.records.get().filter(({ user }) => maySend(user)));
    const timer = due === null ? undefined : setTimeout(done, Math.max(due - Date.now(), 0));
    const forget = [outbox.records, who].map((watched) => watched.subscribe(done));
    function done(): void {
      clearTimeout(timer);
      for (const stop of forget) stop();
      resolve();
    }
  });
}

function untilOnlineOr(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
    function done(): void {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
  });
}
