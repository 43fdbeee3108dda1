// Sends the files of one task: three batches in flight, each until its own report has come back and is kept.

import { batches } from "./batches";
import { type Answer, judged } from "./judge";
import { type Counts, type FileRow, noCounts, type Reports } from "./report";
import { type Ready, type Selection, unreadable } from "./selection";

export const IN_FLIGHT = 3;
/** Files of a batch that are opened at once: the browser tells of all that are ready, of all batches, in one task of the page. */
export const OPENED_AT_ONCE = 2;

export interface Opened {
  path: string;
  file: File;
}

interface Found extends Opened {
  source: Ready;
}

export interface Ports {
  /** Send one batch; null where no answer came. Rejects only when the signal aborts. */
  send(task: string, batch: readonly Opened[], sent: (bytes: number) => void, signal: AbortSignal): Promise<Answer>;
  /** Which files of a batch the task has already; all false where that cannot be told. Rejects only on the signal. */
  known(task: string, batch: readonly Opened[], signal: AbortSignal): Promise<boolean[]>;
  /** Resolves after some seconds, or at once when the signal aborts. */
  wait(seconds: number, signal: AbortSignal): Promise<void>;
  reports: Pick<Reports, "begin" | "add" | "end">;
}

export interface Progress {
  state: "sending" | "paused" | "done";
  /** Why it waits or is paused. */
  why: string | null;
  files: number;
  /** How many files have been answered for; a zip counts once, whatever it holds. */
  answered: number;
  bytes: number;
  sentBytes: number;
  counts: Counts;
}

export class Upload {
  readonly #task: string;
  readonly #ports: Ports;
  readonly #refused: FileRow[];
  readonly #listeners = new Set<() => void>();
  /** How many bytes of each batch under way have been sent. */
  readonly #underWay = new Map<readonly Ready[], number>();
  readonly #waiting: Ready[][];
  /** Files that the task may have already: it is asked before their bytes are sent. */
  readonly #unsure: Set<Ready>;
  #answeredBytes = 0;
  #stop = new AbortController();
  #progress: Progress;

  /** `mayBeThere`: the task may have the files from an upload before. */
  constructor(task: string, selection: Selection, ports: Ports, mayBeThere = false) {
    this.#task = task;
    this.#unsure = new Set(mayBeThere ? selection.ready : []);
    this.#ports = ports;
    this.#refused = selection.refused;
    this.#waiting = batches(selection.ready);
    const files = selection.ready.length + selection.refused.length;
    const { bytes } = selection;
    this.#progress = { state: "sending", why: null, files, answered: 0, bytes, sentBytes: 0, counts: noCounts() };
  }

  /** The same object until something changes. */
  get progress(): Progress {
    return this.#progress;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when every file has been answered for, or the upload is paused. */
  async start(): Promise<void> {
    await this.#ports.reports.begin(this.#task, this.#progress.files);
    await this.#answer(this.#refused, this.#refused.length);
    await this.#send();
  }

  pause(why: string | null = null): void {
    if (this.#progress.state !== "sending") return;
    this.#change({ state: "paused", why });
    this.#stop.abort();
  }

  async resume(): Promise<void> {
    if (this.#progress.state !== "paused") return;
    this.#stop = new AbortController();
    this.#change({ state: "sending", why: null });
    await this.#send();
  }

  async #send(): Promise<void> {
    const stop = this.#stop.signal;
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#lane(stop)));
    if (stop.aborted || this.#progress.state === "done") return;
    await this.#ports.reports.end(this.#task);
    this.#change({ state: "done", why: null });
  }

  async #lane(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      const left = await this.#deliver(batch, stop);
      if (left.length > 0) this.#waiting.unshift(left);
    }
  }

  /** Send a batch until it is answered for; the files that are not are given back. */
  async #deliver(batch: Ready[], stop: AbortSignal): Promise<Ready[]> {
    let left = batch;
    for (let tries = 0; !stop.aborted; tries++) {
      const { found, lost } = await openEach(left);
      await this.#answer(lost, lost.length);
      const sending = await this.#new(found, stop);
      left = sending.map(({ source }) => source);
      if (left.length === 0 || stop.aborted) return left;
      const answer = await this.#attempt(left, sending, stop);
      if (answer === null) for (const source of left) this.#unsure.add(source);
      const judgement = judged(answer, tries);
      if (judgement.what === "report") {
        await this.#answer(judgement.rows, left.length, bytesOf(left));
        return [];
      }
      if (stop.aborted) return left;
      if (judgement.what === "refused") return this.#refuse(left, judgement.why);
      if (judgement.what === "pause") {
        this.pause(judgement.why);
        return left;
      }
      this.#change({ why: judgement.why });
      await this.#ports.wait(judgement.afterS, stop);
    }
    return left;
  }

  /** Answers for the files that the task has already; the others are to be sent. */
  async #new(found: readonly Found[], stop: AbortSignal): Promise<readonly Found[]> {
    const asked = found.filter(({ source }) => this.#unsure.has(source));
    if (asked.length === 0) return found;
    let isKnown: boolean[];
    try {
      isKnown = await this.#ports.known(this.#task, asked, stop);
    } catch (error) {
      if (stop.aborted) return found;
      throw error;
    }
    for (const { source } of asked) this.#unsure.delete(source);
    const known = asked.filter((_, position) => isKnown[position]).map(({ source }) => source);
    const rows = known.map(({ path }): FileRow => ({ filename: path, status: "duplicate", reason: null, notes: [] }));
    await this.#answer(rows, known.length, bytesOf(known));
    return found.filter(({ source }) => !known.includes(source));
  }

  async #attempt(batch: readonly Ready[], opened: readonly Opened[], stop: AbortSignal): Promise<Answer> {
    const most = bytesOf(batch);
    const sent = (bytes: number) => {
      this.#underWay.set(batch, Math.min(bytes, most));
      this.#change({});
    };
    try {
      return await this.#ports.send(this.#task, opened, sent, stop);
    } catch (error) {
      if (stop.aborted) return null;
      throw error;
    } finally {
      this.#underWay.delete(batch);
    }
  }

  /** A request that is refused as a whole: its halves are tried alone, down to the file that is to blame. */
  async #refuse(batch: Ready[], why: string): Promise<Ready[]> {
    const [first, ...others] = batch;
    if (first === undefined) return [];
    if (others.length === 0) {
      await this.#answer([{ filename: first.path, status: "rejected", reason: why, notes: [] }], 1, first.size);
      return [];
    }
    const half = Math.ceil(batch.length / 2);
    this.#waiting.unshift(batch.slice(half));
    return batch.slice(0, half);
  }

  async #answer(rows: readonly FileRow[], files: number, bytes = 0): Promise<void> {
    if (files === 0) return;
    const counts = await this.#ports.reports.add(this.#task, rows);
    this.#answeredBytes += bytes;
    const why = this.#progress.state === "paused" ? this.#progress.why : null;
    this.#change({ counts, answered: this.#progress.answered + files, why });
  }

  #change(change: Partial<Progress>): void {
    let sentBytes = this.#answeredBytes;
    for (const bytes of this.#underWay.values()) sentBytes += bytes;
    this.#progress = { ...this.#progress, ...change, sentBytes };
    for (const listener of this.#listeners) listener();
  }
}

/** Open the files of a batch and touch each, for one that was moved meanwhile would break the request of all. */
async function openEach(batch: readonly Ready[]): Promise<{ found: Found[]; lost: FileRow[] }> {
  const found: Found[] = [];
  const lost: FileRow[] = [];
  const open = async (source: Ready): Promise<Found[]> => {
    try {
      const file = await source.open();
      await file.slice(0, 1).arrayBuffer();
      return [{ source, path: source.path, file }];
    } catch (error) {
      lost.push(unreadable(source.path, error));
      return [];
    }
  };
  for (let first = 0; first < batch.length; first += OPENED_AT_ONCE) {
    const opened = await Promise.all(batch.slice(first, first + OPENED_AT_ONCE).map(open));
    found.push(...opened.flat());
  }
  return { found, lost };
}

function bytesOf(batch: readonly Ready[]): number {
  return batch.reduce((sum, file) => sum + file.size, 0);
}
