/** Tasks that this browser was to seal after an upload. A reload cuts an upload off; who goes on with it meant the same. */
import { kept } from "../shell/store";

const MOST = 50;

const unsealed = kept("quorate.unsealed", (stored) =>
  Array.isArray(stored) ? stored.filter((one): one is string => typeof one === "string") : [],
);

export function isUnsealed(task: string): boolean {
  return unsealed.get().includes(task);
}

/** Remembers whether an upload that begins is to end with sealing. */
export function noteUpload(task: string, isSealedAfter: boolean): void {
  const others = unsealed.get().filter((one) => one !== task);
  unsealed.set((isSealedAfter ? [...others, task] : others).slice(-MOST));
}
