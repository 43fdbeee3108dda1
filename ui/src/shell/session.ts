/** The session of whoever is signed in: begun, kept alive by one request for all others and all tabs, and ended. */
import { callerHeaders } from "../api/caller";
import type { Schemas } from "../api/client";
import { sendThrough } from "../api/send";
import { kept, store } from "./store";
import { auth, person, who } from "./who";

export type SessionShown = Schemas["SessionShown"];

/** While somebody looks at the page, the session goes on before what it gave ends, after ten minutes. */
const REFRESH_MS = 8 * 60_000;
const STALE_MS = 9.5 * 60_000;
const LOOK_MS = 30_000;
const LOCK = "quorate-refresh";

/** Who is signed in, as the platform last told. */
export const session = store<SessionShown | null>(null);

/** Whether the platform has told, or can't be asked. */
export const isTold = store(false);

const refreshedAt = kept("quorate.refreshed", (stored) => (typeof stored === "number" ? stored : 0));

/** The team that this browser works in: a tab with another one begins anew. */
const team = kept("quorate.team", (stored) => (typeof stored === "string" ? stored : ""));

let asking: Promise<void> | null = null;
let refreshing: Promise<boolean> | null = null;

/** Asks who is signed in, once for all who want to know meanwhile. */
export function askSession(): Promise<void> {
  asking ??= readSession().finally(() => {
    asking = null;
    isTold.set(true);
  });
  return asking;
}

async function readSession(): Promise<void> {
  try {
    const answer = await fetch("/api/session", { priority: "low" });
    if (answer.ok) learn(await answer.json());
  } catch {
    // no connection: it stays as it was last told
  }
}

function learn(told: SessionShown): void {
  session.set(told);
  team.set(told.team?.id ?? "");
  auth.set(told.auth);
  person.set(told.auth === "on" ? (told.user?.id ?? "") : "");
}

/** Somebody has signed in, or goes on with their session. */
export function begin(told: SessionShown): void {
  refreshedAt.set(Date.now());
  learn(told);
}

/** Nobody is signed in any more. */
export function end(): void {
  session.set(null);
  refreshedAt.set(0);
  person.set("");
}

/** Whether the session goes on; `since` then, where another tab may have seen to it. */
function refresh(since: number): Promise<boolean> {
  refreshing ??= alone(() => refreshNow(since)).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** One tab at a time; without locks (plain HTTP from another machine) each for itself, which does no harm. */
async function alone(work: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

async function refreshNow(since: number): Promise<boolean> {
  if (refreshedAt.get() > since) return true;
  try {
    const answer = await fetch("/api/sessions/refresh", { method: "POST", headers: callerHeaders() });
    if (answer.ok) begin(await answer.json());
    if (answer.status === 401) end();
    return answer.ok;
  } catch {
    return false;
  }
}

/**
 * Asks as the person who is signed in, and once more where the session had to be renewed for it. Throws as if the
 * connection were cut where it is another person's meanwhile: nothing is sent under a name that is not its own.
 */
export async function asSignedIn<A>(ask: () => Promise<A>, isRefused: (answer: A) => boolean): Promise<A> {
  const user = who.get();
  if (auth.get() === "off" || user === "") return ask();
  const staleSince = Date.now() - STALE_MS;
  if (refreshedAt.get() < staleSince) await refresh(staleSince);
  refuseUnless(user);
  const sentAt = Date.now();
  const answer = await ask();
  if (!isRefused(answer) || !(await refresh(sentAt))) return answer;
  refuseUnless(user);
  return ask();
}

function refuseUnless(user: string): void {
  if (who.get() !== user && who.get() !== "") throw new TypeError("somebody else is signed in now");
}

sendThrough((input, init) => {
  if (auth.get() === "off") return fetch(input, init);
  const request = new Request(input, init);
  return asSignedIn(
    () => fetch(request.clone()),
    (answer) => answer.status === 401,
  );
});

/** Keeps the session alive while somebody looks at the page. */
export function keepAlive(): void {
  const look = () => {
    const since = Date.now() - REFRESH_MS;
    const isDue = auth.get() === "on" && who.get() !== "" && refreshedAt.get() < since;
    if (isDue && document.visibilityState === "visible") void refresh(since);
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
  followOtherTabs();
}

/** What another tab signs in to is what this one's requests are sent as. */
function followOtherTabs(): void {
  let loadedFor = person.get();
  person.subscribe(() => {
    const now = person.get();
    if (now !== "" && loadedFor !== "" && now !== loadedFor) location.reload(); // with nothing of the other person's
    if (now !== "") loadedFor = now;
    if (now !== (session.get()?.user?.id ?? "")) void askSession();
  });
  team.subscribe(() => {
    if (session.get() && team.get() !== session.get()?.team?.id) location.reload();
  });
}
