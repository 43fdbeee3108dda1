import { useSyncExternalStore } from "react";
import { useStore } from "../shell/useStore";
import type { Progress } from "./queue";
import { type Running, uploads } from "./uploads";

/** The upload of a task from this page, if there is one. */
export function useUpload(task: string): Running | undefined {
  return useStore(uploads).get(task);
}

export function useProgress({ queue }: Running): Progress {
  return useSyncExternalStore(
    (heard) => queue.subscribe(heard),
    () => queue.progress,
  );
}
