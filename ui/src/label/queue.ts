/**
 * The rules of the Label page, without browser and without network: which image is on screen, and what becomes of a vote.
 *
 * A vote is a record until its own outcome has come back. Storage holds the records of all tabs and all users of the
 * browser; each function below takes them all and says what they are afterwards, within one transaction of storage.
 */
import type { Lease } from "../api/fields";

/** How long the newest vote waits for the next one, so that undo need not ask the platform. */
export const HOLD_MS = 4_000;
/** The platform forgets a lease long before. */
export const OLDEST_MS = 24 * 3_600_000;
export const BATCH = 50;
const PAST_SHOWN = 4;
const DONE_REMEMBERED = 1_000;

export interface Refusal {
  code: string;
  detail: string;
}

/** One vote on its way to the platform. */
export interface VoteRecord {
  user: string;
  lease: Lease;
  label: string;
  castAt: number;
  /** Not sent before this moment, in milliseconds since the epoch. */
  sendAfter: number;
  /** `sending` means that the platform may have counted it: only an outcome ends that. */
  phase: "waiting" | "sending" | "refused";
  refusal: Refusal | null;
}

export interface Changed<A> {
  records: readonly VoteRecord[];
  answer: A;
}

export interface Outcome {
  subtask_id: string;
  status: number;
  code: string;
  detail: string;
}

export function keyOf({ user, lease }: Pick<VoteRecord, "user" | "lease">): string {
  return `${user}\n${lease.subtask_id}`;
}

const isOf = (record: VoteRecord, user: string, subtaskId: string) =>
  record.user === user && record.lease.subtask_id === subtaskId;

/** Adds a vote. False where the user has a vote on that image under way already, from another tab. */
export function cast(records: readonly VoteRecord[], vote: VoteRecord): Changed<boolean> {
  const same = records.find((record) => keyOf(record) === keyOf(vote));
  if (same && same.phase !== "refused") return { records, answer: false };
  const others = release(records, vote.user).records.filter((record) => record !== same);
  return { records: [...others, vote], answer: true };
}

/** Lets the votes that a user's undo was kept open for go. */
export function release(records: readonly VoteRecord[], user: string): Changed<null> {
  const released = records.map((record) =>
    record.user === user && record.phase === "waiting" && record.sendAfter > 0 ? { ...record, sendAfter: 0 } : record,
  );
  return { records: released, answer: null };
}

/** Takes a vote back that surely has not been sent; otherwise says how far it is. */
export function takeBack(
  records: readonly VoteRecord[],
  user: string,
  subtaskId: string,
): Changed<"taken" | "sending" | "gone"> {
  const record = records.find((one) => isOf(one, user, subtaskId));
  if (!record || record.phase === "refused") return { records, answer: "gone" };
  if (record.phase === "sending") return { records, answer: "sending" };
  return { records: records.filter((one) => one !== record), answer: "taken" };
}

/**
 * The votes to send next, all of one user, marked as such. Votes that a closed or killed page left at `sending` go
 * again: the platform counts a repeated vote once.
 */
export function claim(records: readonly VoteRecord[], now: number): Changed<readonly VoteRecord[]> {
  const aged = records.map((record) => (isTooOld(record, now) ? refused(record, TOO_OLD) : record));
  const due = aged.filter(
    (record) => record.phase === "sending" || (record.phase === "waiting" && record.sendAfter <= now),
  );
  const batch = due.filter((record) => record.user === due[0]?.user).slice(0, BATCH);
  if (batch.length === 0 && !records.some((record) => isTooOld(record, now))) return { records, answer: [] };
  const claimed = new Map(batch.map((record) => [record, { ...record, phase: "sending" as const }]));
  return {
    records: aged.map((record) => claimed.get(record) ?? record),
    answer: [...claimed.values()],
  };
}

const TOO_OLD: Refusal = { code: "too-old", detail: "more than a day passed before the platform could be reached" };

function isTooOld(record: VoteRecord, now: number): boolean {
  return record.phase !== "refused" && now - record.castAt > OLDEST_MS;
}

function refused(record: VoteRecord, refusal: Refusal): VoteRecord {
  return { ...record, phase: "refused", refusal };
}

/** What the platform said to votes that were sent: counted ones go, refused ones stay with the reason. */
export function settle(records: readonly VoteRecord[], user: string, outcomes: readonly Outcome[]): Changed<null> {
  const said = new Map(outcomes.map((outcome) => [outcome.subtask_id, outcome]));
  const settled = records.flatMap((record) => {
    const outcome = record.user === user && record.phase === "sending" ? said.get(record.lease.subtask_id) : undefined;
    if (!outcome || isPassing(outcome.status)) return [record];
    return outcome.status < 300 ? [] : [refused(record, { code: outcome.code, detail: outcome.detail })];
  });
  return { records: settled, answer: null };
}

/** Whether the same request may succeed later. */
export function isPassing(status: number): boolean {
  return status === 0 || status === 401 || status === 403 || status === 408 || status === 429 || status >= 500;
}

/** Forgets refused votes that their user has seen. */
export function dismiss(records: readonly VoteRecord[], user: string): Changed<null> {
  return { records: records.filter((record) => record.user !== user || record.phase !== "refused"), answer: null };
}

/** When the next vote may be sent; null where none waits. */
export function nextDue(records: readonly VoteRecord[]): number | null {
  const moments = records.filter((record) => record.phase !== "refused").map((record) => record.sendAfter);
  return moments.length > 0 ? Math.min(...moments) : null;
}

export interface Past {
  lease: Lease;
  label: string;
}

/** What one tab has before it: the images leased to it, of which the first is on screen, and what it did last. */
export interface Desk {
  user: string;
  held: readonly Lease[];
  past: readonly Past[];
  /** Leases that were voted on or given back, by `leaseKey`; answers that were under way may still name them. */
  done: ReadonlySet<string>;
}

/** One lease among all that there were: leases that were granted together share a token. */
function leaseKey({ subtask_id, token }: Lease): string {
  return `${subtask_id} ${token}`;
}

export function emptyDesk(user: string): Desk {
  return { user, held: [], past: [], done: new Set() };
}

/** Takes leases in, new ones at the end. Images whose vote is under way (`busy`) stay away. */
export function hold(desk: Desk, leases: readonly Lease[], busy: ReadonlySet<string>): Desk {
  const fresh = new Map(
    leases
      .filter((lease) => !desk.done.has(leaseKey(lease)) && !busy.has(lease.subtask_id))
      .map((one) => [one.subtask_id, one]),
  );
  const known = desk.held.map((lease) => fresh.get(lease.subtask_id) ?? lease);
  const knownIds = new Set(known.map((lease) => lease.subtask_id));
  return { ...desk, held: [...known, ...[...fresh.values()].filter((lease) => !knownIds.has(lease.subtask_id))] };
}

/** Votes on the image on screen; the next one takes its place. */
export function vote(desk: Desk, label: string, now: number): { desk: Desk; record: VoteRecord } | null {
  const [lease] = desk.held;
  if (!lease) return null;
  const record: VoteRecord = {
    user: desk.user,
    lease,
    label,
    castAt: now,
    sendAfter: now + HOLD_MS,
    phase: "waiting",
    refusal: null,
  };
  return { desk: { ...leave(desk), past: [...desk.past, { lease, label }].slice(-PAST_SHOWN) }, record };
}

/** Puts the image on screen away: voted on, skipped, or reported. */
export function leave(desk: Desk): Desk {
  const [lease, ...held] = desk.held;
  if (!lease) return desk;
  const done = new Set([...desk.done].slice(1 - DONE_REMEMBERED)).add(leaseKey(lease));
  return { ...desk, held, done };
}

/** Shows an image again whose vote was taken back. */
export function putBack(desk: Desk, lease: Lease): Desk {
  const isOther = (one: Lease) => one.subtask_id !== lease.subtask_id;
  const done = new Set(desk.done);
  done.delete(leaseKey(lease));
  return {
    ...desk,
    held: [lease, ...desk.held.filter(isOther)],
    past: desk.past.filter((one) => isOther(one.lease)),
    done,
  };
}

export interface Renewal {
  subtask_id: string;
  expires_at: string | null;
}

/** What renewing gave: later ends, and the leases that were lost. */
export function renewed(desk: Desk, renewals: readonly Renewal[]): { desk: Desk; lost: readonly Lease[] } {
  const ends = new Map(renewals.map((renewal) => [renewal.subtask_id, renewal.expires_at]));
  const lost = desk.held.filter((lease) => ends.get(lease.subtask_id) === null);
  const held = desk.held
    .filter((lease) => !lost.includes(lease))
    .map((lease) => ({ ...lease, expires_at: ends.get(lease.subtask_id) ?? lease.expires_at }));
  return { desk: { ...desk, held }, lost };
}
