/** Single keys: one listener for the whole page, which knows when a key is meant for something else. */
import { prefs } from "./prefs";

export interface Shortcut {
  /** As in `KeyboardEvent.key`, in lower case; two keys in a row are "g t". */
  keys: readonly string[];
  what: string;
  /** True where the key only makes sense while it is held. */
  isHeld?: boolean;
}

/** Whether a key press may be a single-key shortcut. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (!prefs.get().singleKeys) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return false;
  return !isTyping(event.target) && !document.querySelector("dialog[open]");
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("input:not([type=checkbox],[type=radio],[type=button]), textarea, select")
  );
}

/** Calls `pressed` for every single key until the returned function is called. */
export function onKeys(pressed: (key: string, event: KeyboardEvent) => boolean): () => void {
  const heard = (event: KeyboardEvent) => {
    if (isShortcut(event) && pressed(event.key.toLowerCase(), event)) event.preventDefault();
  };
  addEventListener("keydown", heard);
  return () => removeEventListener("keydown", heard);
}
