import { useSyncExternalStore } from "react";
import type { Readable } from "./store";

export function useStore<T>(watched: Readable<T>): T {
  return useSyncExternalStore(watched.subscribe, watched.get);
}
