/** Live progress of tasks: a browser opens six connections to one address, so at most four are streams. */
import type { Schemas } from "../api/client";

export type Task = Schemas["TaskShown"];

const MOST_STREAMS = 4;

interface Stream {
  source: EventSource;
  heard: Set<(task: Task) => void>;
}

const streams = new Map<string, Stream>();

/** Hear of a task's changes until the returned function is called; null where no stream is left. */
export function stream(taskId: string, heard: (task: Task) => void): (() => void) | null {
  let watched = streams.get(taskId);
  if (!watched) {
    if (streams.size >= MOST_STREAMS) return null;
    watched = opened(taskId);
    streams.set(taskId, watched);
  }
  const { heard: listeners } = watched;
  listeners.add(heard);
  return () => {
    listeners.delete(heard);
    if (listeners.size === 0) close(taskId);
  };
}

function opened(taskId: string): Stream {
  const source = new EventSource(`/api/tasks/${encodeURIComponent(taskId)}/events`);
  const heard = new Set<(task: Task) => void>();
  source.addEventListener("progress", (event) => {
    const task: Task = JSON.parse(event.data);
    for (const tell of [...heard]) tell(task);
    if (isOver(task)) close(taskId); // the platform ends the stream, which a browser would take for a cut
  });
  return { source, heard };
}

function close(taskId: string): void {
  streams.get(taskId)?.source.close();
  streams.delete(taskId);
}

export function isOver(task: Task): boolean {
  return task.state === "completed" || task.state === "cancelled";
}
