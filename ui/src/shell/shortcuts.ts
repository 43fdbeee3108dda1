/** Single-key shortcuts, and when a key is meant for something else. */
import { type Act, actOf, keyOf, keysOf, labelAt, type Scope } from "./keymap";
import { prefs } from "./prefs";

type Pressed = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

function isSingle({ ctrlKey, metaKey, altKey }: Pressed): boolean {
  return prefs.get().singleKeys && !ctrlKey && !metaKey && !altKey;
}

/** Whether a key press may be a single-key shortcut. */
function isShortcut(event: KeyboardEvent): boolean {
  if (!isSingle(event) || event.repeat || event.isComposing) return false;
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
    if (isShortcut(event) && pressed(keyOf(event), event)) event.preventDefault();
  };
  addEventListener("keydown", heard);
  return () => removeEventListener("keydown", heard);
}

/** What a key does on a page, as the person at the page has it. */
export function pressedAct(scope: Scope, key: string): Act | null {
  return actOf(scope, key, prefs.get().keys);
}

export function isKeyOf(act: Act, key: string): boolean {
  return keysOf(act, prefs.get().keys).includes(key);
}

export function pressedLabel(key: string, labels: readonly string[]): string | null {
  return labelAt(key, labels, prefs.get().keys);
}

/** 1 for the key that leads to the next thing, -1 for the one to the previous, else 0; held keys go on. */
export function stepOf(event: Pressed): number {
  if (!isSingle(event)) return 0;
  return isKeyOf("next", keyOf(event)) ? 1 : isKeyOf("previous", keyOf(event)) ? -1 : 0;
}
