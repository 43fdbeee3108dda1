import { useCallback, useSyncExternalStore } from "react";
import { afterFrame } from "./afterFrame";
import type { Readable } from "./store";

export function useStore<T>(watched: Readable<T>): T {
  return useSyncExternalStore(watched.subscribe, watched.get);
}

/** As `useStore`, but drawn one frame later: what changes outside React at that moment is painted first, alone. */
export function useStoreLater<T>(watched: Readable<T>): T {
  const subscribe = useCallback((heard: () => void) => watched.subscribe(() => afterFrame(heard)), [watched]);
  return useSyncExternalStore(subscribe, watched.get);
}
