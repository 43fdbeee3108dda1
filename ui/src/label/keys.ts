/** Which key does what on the Label page. */
import type { Shortcut } from "../shell/shortcuts";
import { label as texts } from "../texts/en.label";

const RESERVED = new Set("uszhgbi");
const LABEL_KEYS = [..."123456789", ...[..."abcdefghijklmnopqrstuvwxyz"].filter((letter) => !RESERVED.has(letter))];

/** The key of each label, in the label set's own order; the last ones of a large set have none. */
export function labelKeys(labels: readonly string[]): ReadonlyMap<string, string> {
  return new Map(labels.flatMap((label, index) => (LABEL_KEYS[index] ? [[label, LABEL_KEYS[index]] as const] : [])));
}

export type Act = "unsure" | "skip" | "undo" | "boxes" | "zoom-in" | "zoom-out" | "fit" | "instructions" | "hide-boxes";

const ACTS: Readonly<Record<string, Act>> = {
  u: "unsure",
  s: "skip",
  z: "undo",
  backspace: "undo",
  b: "boxes",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  "0": "fit",
  i: "instructions",
  h: "hide-boxes",
};

export type Pressed = { act: Act } | { label: string } | { pan: readonly [number, number] };

const PAN: Readonly<Record<string, readonly [number, number]>> = {
  arrowleft: [1, 0],
  arrowright: [-1, 0],
  arrowup: [0, 1],
  arrowdown: [0, -1],
};

/** What a key means for an image with these labels; null where nothing. */
export function meaning(key: string, labels: readonly string[]): Pressed | null {
  const act = ACTS[key];
  if (act) return { act };
  const pan = PAN[key];
  if (pan) return { pan };
  const label = labels[LABEL_KEYS.indexOf(key)];
  return label === undefined ? null : { label };
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ["1-9", "A-Y"], what: texts.keys.vote },
  { keys: ["U"], what: texts.keys.unsure },
  { keys: ["S"], what: texts.keys.skip },
  { keys: ["Z", "Backspace"], what: texts.keys.undo },
  { keys: ["H"], what: texts.keys.hold, isHeld: true },
  { keys: ["B"], what: texts.keys.boxes },
  { keys: ["+", "-", "0"], what: texts.keys.zoom },
  { keys: ["←", "↑", "→", "↓"], what: texts.keys.pan },
  { keys: ["I"], what: texts.keys.instructions },
];
