/** Votes that were cast and not yet answered, in IndexedDB; in memory where the browser stores nothing. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { type Store, store } from "../shell/store";
import { type Changed, cast, keyOf, type VoteRecord } from "./queue";

interface Schema extends DBSchema {
  votes: { key: string; value: VoteRecord };
}

export interface Outbox {
  /** What earlier pages left: the records before this page sends any. */
  readonly left: Promise<readonly VoteRecord[]>;
  /** The records of all users as last seen. */
  readonly records: Store<readonly VoteRecord[]>;
  /** False once votes live in memory only. */
  readonly isStored: Store<boolean>;
  /** Changes the records in one transaction; `change` may run once for storage and again for memory. */
  update<A>(change: Change<A>): Promise<A>;
  /** How many votes are just being written. */
  readonly writing: Store<number>;
  /** Adds one user's votes; answers those on images on which the user has one under way already. */
  add(votes: readonly VoteRecord[]): Promise<readonly VoteRecord[]>;
  /** Reads the records anew. */
  refresh(): Promise<void>;
}

type Change<A> = (records: readonly VoteRecord[]) => Changed<A>;

interface Made<A> {
  changed: Changed<A>;
  isNew: boolean;
}

/** Asynchronous, so that a browser that forbids storage by an exception only fails the promise. */
async function open(name: string): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>(name, 1, { upgrade: (db) => void db.createObjectStore("votes") });
}

export function openOutbox(name = "quorate"): Outbox {
  const records = store<readonly VoteRecord[]>([]);
  const isStored = store(true);
  const tabs = new BroadcastChannel(name);
  const opened = open(name);
  const writing = store(0);
  opened.catch(() => isStored.set(false));

  async function update<A>(change: Change<A>): Promise<A> {
    const { changed, isNew } = isStored.get() ? await stored(change) : inMemory(change);
    records.set(changed.records);
    if (isNew) tabs.postMessage("queue-changed");
    return changed.answer;
  }

  async function stored<A>(change: Change<A>): Promise<Made<A>> {
    try {
      return await inOneTransaction(await opened, change);
    } catch {
      isStored.set(false); // private mode, a full disk, or a database that another version holds
      return inMemory(change);
    }
  }

  function inMemory<A>(change: Change<A>): Made<A> {
    return { changed: change(records.get()), isNew: false };
  }

  async function refresh(): Promise<void> {
    if (!isStored.get()) return;
    try {
      records.set(await (await opened).getAll("votes")); // only reads: nothing waits for the disk
    } catch {
      isStored.set(false);
    }
  }

  const left = refresh().then(() => records.get());

  tabs.onmessage = ({ data }) => {
    if (data === "queue-changed") void refresh();
  };
  async function add(votes: readonly VoteRecord[]): Promise<readonly VoteRecord[]> {
    writing.set(writing.get() + votes.length);
    const underWay = await update((before) => cast(before, votes));
    writing.set(writing.get() - votes.length);
    return underWay;
  }

  return { left, records, writing, isStored, add, update, refresh };
}

async function inOneTransaction<A>(db: IDBPDatabase<Schema>, change: Change<A>): Promise<Made<A>> {
  const transaction = db.transaction("votes", "readwrite", { durability: "strict" });
  const before = await transaction.store.getAll();
  const changed = change(before);
  const kept = new Set(changed.records);
  const after = new Set(changed.records.map(keyOf));
  for (const record of changed.records) if (!before.includes(record)) void transaction.store.put(record, keyOf(record));
  for (const record of before)
    if (!kept.has(record) && !after.has(keyOf(record))) void transaction.store.delete(keyOf(record));
  transaction.commit(); // at once, also where the page is gone before the writes have been answered
  await transaction.done;
  return { changed, isNew: changed.records !== before };
}
