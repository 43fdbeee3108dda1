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
/** Deeds that can be undone. */
const DEEDS_KEPT = 4;
const DONE_REMEMBERED = 1_000;

/** How a person came to a vote; `took_ms` is how long the image was on screen. */
export interface Manner {
  mode: "single" | "grid";
  took_ms?: number;
}

export interface Refusal {
  code: string;
  detail: string;
}

/** One vote on its way to the platform. */
export interface VoteRecord {
  user: string;
  lease: Lease;
  label: string;
  /** Missing where an older page stored the vote. */
  manner?: Manner;
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

/** As much of an image as it takes to know it. */
type Known = Pick<Lease, "subtask_id">;

export function keyOf({ user, lease }: { user: string; lease: Known }): string {
  return `${user}\n${lease.subtask_id}`;
}

/** Adds one user's votes. Answers those on images on which the user has a vote under way already, from another tab. */
export function cast(records: readonly VoteRecord[], votes: readonly VoteRecord[]): Changed<readonly VoteRecord[]> {
  const underWay = new Set(records.filter((record) => record.phase !== "refused").map(keyOf));
  const added = votes.filter((vote) => !underWay.has(keyOf(vote)));
  const [first] = added;
  if (!first) return { records, answer: votes };
  const replaced = new Set(added.map(keyOf));
  const others = release(records, first.user).records.filter((record) => !replaced.has(keyOf(record)));
  return { records: [...others, ...added], answer: votes.filter((vote) => underWay.has(keyOf(vote))) };
}

/** Lets the votes that a user's undo was kept open for go. */
export function release(records: readonly VoteRecord[], user: string): Changed<null> {
  const released = records.map((record) =>
    record.user === user && record.phase === "waiting" && record.sendAfter > 0 ? { ...record, sendAfter: 0 } : record,
  );
  return { records: released, answer: null };
}

/** Where each of some votes is: taken back just now, on its way, or no longer here. */
export interface Whereabouts {
  taken: readonly Lease[];
  sending: readonly Voted[];
  gone: readonly Voted[];
}

/** Takes those votes of a user back that surely have not been sent, and says where the others are. */
export function takeBack(records: readonly VoteRecord[], user: string, leases: readonly Voted[]): Changed<Whereabouts> {
  const wanted = new Set(leases.map((lease) => keyOf({ user, lease })));
  const mine = records.filter((record) => wanted.has(keyOf(record)));
  const leasesIn = (phase: VoteRecord["phase"]) =>
    new Map(mine.filter((record) => record.phase === phase).map(({ lease }) => [lease.subtask_id, lease]));
  const [waiting, sending] = [leasesIn("waiting"), leasesIn("sending")];
  return {
    records: records.filter((record) => !mine.includes(record) || record.phase !== "waiting"),
    answer: {
      taken: leases.flatMap(({ subtask_id }) => waiting.get(subtask_id) ?? []),
      sending: leases.filter(({ subtask_id }) => sending.has(subtask_id)),
      gone: leases.filter(({ subtask_id }) => !waiting.has(subtask_id) && !sending.has(subtask_id)),
    },
  };
}

/**
 * The votes to send next, all of one user, marked as such. Votes that a closed or killed page left at `sending` go
 * again: the platform counts a repeated vote once.
 */
export function claim(
  records: readonly VoteRecord[],
  now: number,
  maySend: (user: string) => boolean = () => true,
): Changed<readonly VoteRecord[]> {
  const aged = records.map((record) => (isTooOld(record, now) ? refused(record, TOO_OLD) : record));
  const due = aged.filter(
    (record) =>
      maySend(record.user) && (record.phase === "sending" || (record.phase === "waiting" && record.sendAfter <= now)),
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

/** As much of an image that was voted on as is shown of it, and as undo needs. */
export type Voted = Pick<Lease, "subtask_id" | "task_id" | "thumbnail_url"> &
  Partial<Pick<Lease, "labels" | "label_names">>;

/** An image and the label that a person gave it. */
export interface Past {
  lease: Voted;
  label: string;
}

/** An image that is held, and the label that a person gives it. */
export interface Choice extends Past {
  lease: Lease;
}

/** What one tab has before it: the images leased to it, of which the first is on screen, and what it did last. */
export interface Desk {
  user: string;
  held: readonly Lease[];
  /** The last deeds: a vote, or the votes of a row. */
  past: readonly (readonly Past[])[];
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

/** Votes on images that are held, in one deed; others take their places. */
export function vote(
  desk: Desk,
  choices: readonly Choice[],
  now: number,
  manner: Manner = { mode: "single" },
): { desk: Desk; records: VoteRecord[] } {
  const held = new Map(desk.held.map((lease) => [lease.subtask_id, lease]));
  const deed = choices.flatMap(({ lease: { subtask_id }, label }) => {
    const lease = held.get(subtask_id);
    return held.delete(subtask_id) && lease ? [{ lease, label }] : [];
  });
  if (deed.length === 0) return { desk, records: [] };
  const records = deed.map(
    (choice): VoteRecord => ({
      ...choice,
      user: desk.user,
      manner,
      castAt: now,
      sendAfter: now + HOLD_MS,
      phase: "waiting",
      refusal: null,
    }),
  );
  const left = leave(
    desk,
    deed.map((choice) => choice.lease),
  );
  return { desk: { ...left, past: [...desk.past, deed].slice(-DEEDS_KEPT) }, records };
}

/** Puts images away: voted on, skipped, or reported. */
export function leave(desk: Desk, leases: readonly Lease[]): Desk {
  const done = new Set([...desk.done, ...leases.map(leaseKey)].slice(-DONE_REMEMBERED));
  return { ...desk, held: desk.held.filter(isNoneOf(leases)), done };
}

/** Shows images again whose votes were taken back. */
export function putBack(desk: Desk, leases: readonly Lease[]): Desk {
  const isOther = isNoneOf(leases);
  const done = new Set(desk.done);
  for (const lease of leases) done.delete(leaseKey(lease));
  return {
    ...desk,
    held: [...leases, ...desk.held.filter(isOther)],
    past: desk.past.map((deed) => deed.filter(({ lease }) => isOther(lease))).filter((deed) => deed.length > 0),
    done,
  };
}

/** Votes of an earlier page or of another browser, oldest first: they can be undone after what was done here. */
export function recall(desk: Desk, votes: readonly Past[]): Desk {
  const isOther = isNoneOf([...desk.held, ...desk.past.flat().map(({ lease }) => lease)]);
  const deeds = votes.filter(({ lease }) => isOther(lease)).map((vote) => [vote]);
  return { ...desk, past: [...deeds, ...desk.past].slice(-DEEDS_KEPT) };
}

/** Puts images that are held before all others, in the order of `ids`. */
export function bringForward(desk: Desk, ids: ReadonlySet<string>): Desk {
  const wanted = [...ids].flatMap((id) => desk.held.find((lease) => lease.subtask_id === id) ?? []);
  return { ...desk, held: [...wanted, ...desk.held.filter(isNoneOf(wanted))] };
}

function isNoneOf(leases: readonly Known[]): (lease: Known) => boolean {
  const ids = new Set(leases.map((lease) => lease.subtask_id));
  return ({ subtask_id }) => !ids.has(subtask_id);
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
