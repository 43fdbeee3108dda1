/** Whose keys the page on screen uses, for the list that `?` opens. */
import { useEffect } from "react";
import type { Scope } from "./keymap";
import { store } from "./store";

export const pageScope = store<Scope | null>(null);

export function usePageKeys(scope: Scope): void {
  useEffect(() => {
    pageScope.set(scope);
    return () => pageScope.set(null);
  }, [scope]);
}
