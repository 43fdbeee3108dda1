/** The keys of the page on screen, for the list that `?` opens. */
import { useEffect } from "react";
import type { Shortcut } from "./shortcuts";
import { store } from "./store";

export const pageShortcuts = store<readonly Shortcut[]>([]);

/** Lists a page's keys while it is on screen; `shortcuts` must be the same object from render to render. */
export function usePageShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    pageShortcuts.set(shortcuts);
    return () => pageShortcuts.set([]);
  }, [shortcuts]);
}
