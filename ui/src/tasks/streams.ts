/** Live progress of tasks: one stream for all that the page watches, opened anew when those change. */
import type { Schemas } from "../api/client";

type Shown = Schemas["TaskShown"];
type PipelineShown = NonNullable<Shown["pipeline"]>;
/** A task, as the client reads it: of pairs it makes lists. */
export type Task = Omit<Shown, "pipeline"> & {
  pipeline: (Omit<PipelineShown, "operations"> & { operations: readonly (readonly unknown[])[] }) | null;
};
/** A task as a stream tells of it; asked for by itself, it has no rates. */
export type Watched = Task & { rates?: { votes_per_minute: number } };

/** So many tasks one stream tells of. */
const MOST_TASKS = 100;
/** Rows come and go while people scroll: the stream is opened anew once they have stopped. */
const SETTLE_MS = 200;
/** After the platform refused a stream, where a browser gives up. */
const AGAIN_MS = 5_000;

export interface Watcher {
  progress: (task: Watched) => void;
  gone: () => void;
}

const watchers = new Map<string, Set<Watcher>>();
let source: EventSource | null = null;
let opened = "";
let timer: ReturnType<typeof setTimeout> | undefined;

/** Hear of a task until the returned function is called; null where one stream cannot tell of more. */
export function stream(taskId: string, watcher: Watcher): (() => void) | null {
  const known = watchers.get(taskId);
  if (!known && watchers.size >= MOST_TASKS) return null;
  watchers.set(taskId, (known ?? new Set()).add(watcher));
  settle(SETTLE_MS);
  return () => {
    const all = watchers.get(taskId);
    all?.delete(watcher);
    if (all?.size === 0) watchers.delete(taskId);
    settle(SETTLE_MS);
  };
}

function settle(afterMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(open, afterMs);
}

function open(): void {
  const query = [...watchers.keys()]
    .toSorted()
    .map((id) => `task=${encodeURIComponent(id)}`)
    .join("&");
  if (query === opened) return;
  close();
  opened = query;
  source = query ? new EventSource(`/api/events?${query}`) : null;
  source?.addEventListener("progress", ({ data }) => {
    const task: Watched = JSON.parse(data);
    for (const { progress } of watchers.get(task.id) ?? []) progress(task);
  });
  source?.addEventListener("gone", ({ data }) => {
    for (const { gone } of watchers.get(JSON.parse(data).id) ?? []) gone();
  });
  source?.addEventListener("end", close); // else the browser connects again
  source?.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    settle(AGAIN_MS);
  });
}

function close(): void {
  source?.close();
  source = null;
  opened = "";
}

export function isOver(task: Task): boolean {
  return task.state === "completed" || task.state === "cancelled";
}
