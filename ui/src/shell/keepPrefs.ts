/** Settings follow a person to other browsers: the platform keeps them under the name, and this browser a copy. */
import { callerHeaders } from "../api/caller";
import { ApiProblem, api } from "../api/client";
import { type Prefs, prefs, withStored } from "./prefs";
import { kept } from "./store";

const PATH = "/api/me/preferences";
const MOST_TRIES = 3;

/** The user of whose changes here the platform has not taken one yet, as where there was no connection; or nobody. */
const unsaved = kept("quorate.prefs.unsaved", (value) => (typeof value === "string" ? value : ""));

interface Stored {
  /** All that is stored, also what another version of the page put there. */
  body: Record<string, unknown>;
  etag: string;
}

/** Keeps a user's settings until the returned function is called. */
export function keepPrefs(user: string): () => void {
  let stored: Stored | null = null;
  /** The settings when browser and platform last had the same. */
  let same: Prefs | null = null;
  let isTaking = false;
  let isEnded = false;
  let work = run(start);
  const forget = prefs.subscribe(() => {
    if (isTaking) return;
    unsaved.set(user);
    work = work.then(() => run(save));
  });

  async function start(): Promise<void> {
    stored = await read(user);
    if (isEnded) return;
    const there = Object.keys(stored.body).length > 0 ? withStored(stored.body) : null;
    if (there && unsaved.get() !== user) take(there);
    else await save();
  }

  function take(there: Prefs): void {
    isTaking = true;
    prefs.set(there);
    isTaking = false;
    same = there;
  }

  /** Others' changes since, and on top of them those that were made here. */
  async function readAnew(): Promise<Stored> {
    const now = await read(user);
    const there = withStored(now.body);
    if (there && same) take({ ...there, ...changed(same, prefs.get()) });
    return now;
  }

  async function save(): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES && !isEnded; tries++) {
      stored ??= await readAnew();
      const mine = prefs.get();
      const body = { ...stored.body, ...mine };
      const etag = JSON.stringify(body) === JSON.stringify(stored.body) ? stored.etag : await write(user, body, stored);
      stored = etag === null ? null : { body, etag };
      if (etag === null) continue; // set from another browser meanwhile
      same = mine;
      unsaved.set(mine === prefs.get() ? "" : user);
      return;
    }
  }

  return () => {
    isEnded = true;
    forget();
  };
}

/** Without a connection the copy of this browser counts; it is sent with the next change, or by the next page. */
async function run(step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
  }
}

function changed(before: Prefs, after: Prefs): Partial<Prefs> {
  const earlier = new Map(Object.entries(before));
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => earlier.get(name) !== value));
}

async function read(user: string): Promise<Stored> {
  const { data, response } = await api.GET(PATH, { headers: callerHeaders(user) });
  return { body: data ?? {}, etag: response.headers.get("ETag") ?? "" };
}

/** The new ETag; null where the settings are others than those that were read. */
async function write(user: string, body: Stored["body"], { etag }: Stored): Promise<string | null> {
  try {
    const params = { header: { "if-match": etag } };
    const { response } = await api.PUT(PATH, {
      params,
      body: body as Record<string, never>,
      headers: callerHeaders(user),
    });
    return response.headers.get("ETag") ?? "";
  } catch (error) {
    if (error instanceof ApiProblem && error.code === "outdated") return null;
    throw error;
  }
}
