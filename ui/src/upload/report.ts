// What became of every file of an upload, in IndexedDB in pages of 500 rows: half a million files keep memory flat.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

export type FileStatus = "accepted" | "duplicate" | "rejected" | "skipped";

export interface FileRow {
  filename: string;
  status: FileStatus;
  reason: string | null;
  notes: string[];
}

/** Rows are kept apart by status, and shown in this order: what went wrong comes first. */
export const STATUSES: readonly FileStatus[] = ["rejected", "skipped", "duplicate", "accepted"];
export const PAGE_ROWS = 500;

export type Counts = Record<FileStatus, number>;

/** What is kept of an upload beside its rows. */
export interface Kept {
  task: string;
  counts: Counts;
  /** How many files were chosen. */
  files: number;
  is_ended: boolean;
}

interface Schema extends DBSchema {
  uploads: { key: string; value: Kept };
  pages: { key: [string, FileStatus, number]; value: FileRow[] };
}

export function noCounts(): Counts {
  return { accepted: 0, duplicate: 0, rejected: 0, skipped: 0 };
}

export class Reports {
  readonly #database: Promise<IDBPDatabase<Schema>>;

  constructor(name = "quorate-uploads") {
    this.#database = openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore("uploads", { keyPath: "task" });
        database.createObjectStore("pages");
      },
    });
  }

  async kept(task: string): Promise<Kept | undefined> {
    return (await this.#database).get("uploads", task);
  }

  /** Begin a report anew: what an earlier upload of the task reported is gone. */
  async begin(task: string, files: number): Promise<void> {
    const writing = (await this.#database).transaction(["uploads", "pages"], "readwrite");
    await Promise.all([
      writing.objectStore("pages").delete(pagesOf(task)),
      writing.objectStore("uploads").put({ task, counts: noCounts(), files, is_ended: false }),
      writing.done,
    ]);
  }

  async end(task: string): Promise<void> {
    const writing = (await this.#database).transaction("uploads", "readwrite");
    const kept = await writing.store.get(task);
    if (kept) await writing.store.put({ ...kept, is_ended: true });
    await writing.done;
  }

  /** Add rows and answer the new counts; all of them are kept, or none. */
  async add(task: string, rows: readonly FileRow[]): Promise<Counts> {
    const writing = (await this.#database).transaction(["uploads", "pages"], "readwrite");
    const uploads = writing.objectStore("uploads");
    const pages = writing.objectStore("pages");
    const kept = (await uploads.get(task)) ?? { task, counts: noCounts(), files: rows.length, is_ended: false };
    for (const [status, added] of byStatus(rows)) {
      for (let done = 0; done < added.length; ) {
        const key = pageKey(task, status, Math.floor(kept.counts[status] / PAGE_ROWS));
        const page = (await pages.get(key)) ?? [];
        const some = added.slice(done, done + PAGE_ROWS - page.length);
        await pages.put([...page, ...some], key);
        done += some.length;
        kept.counts[status] += some.length;
      }
    }
    await uploads.put(kept);
    await writing.done;
    return kept.counts;
  }

  async page(task: string, status: FileStatus, number: number): Promise<FileRow[]> {
    return (await (await this.#database).get("pages", pageKey(task, status, number))) ?? [];
  }

  /** Every row of some statuses, a page at a time. */
  async *rows(task: string, statuses: readonly FileStatus[]): AsyncGenerator<FileRow[]> {
    for (const status of statuses) {
      for (let number = 0; ; number++) {
        const page = await this.page(task, status, number);
        if (page.length > 0) yield page;
        if (page.length < PAGE_ROWS) break;
      }
    }
  }
}

function pageKey(task: string, status: FileStatus, number: number): [string, FileStatus, number] {
  return [task, status, number];
}

function pagesOf(task: string): IDBKeyRange {
  return IDBKeyRange.bound([task], [task, []]);
}

function byStatus(rows: readonly FileRow[]): Map<FileStatus, FileRow[]> {
  const sorted = new Map<FileStatus, FileRow[]>();
  for (const row of rows) {
    const same = sorted.get(row.status);
    if (same) same.push(row);
    else sorted.set(row.status, [row]);
  }
  return sorted;
}

/** Rows as lines of CSV. A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvLines(rows: readonly FileRow[]): string {
  return rows
    .map((row) => [row.filename, row.status, row.reason ?? "", row.notes.join("; ")].map(cell).join())
    .map((line) => `${line}\r\n`)
    .join("");
}

export const CSV_HEAD = "filename,status,reason,notes\r\n";

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
