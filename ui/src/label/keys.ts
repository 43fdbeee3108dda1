/** What a key means where one image is voted on. */
import type { Act } from "../shell/keymap";
import { pressedAct, pressedLabel } from "../shell/shortcuts";

export type Pressed = { act: Act } | { label: string } | { pan: readonly [number, number] };

const PAN: Readonly<Record<string, readonly [number, number]>> = {
  arrowleft: [1, 0],
  arrowright: [-1, 0],
  arrowup: [0, 1],
  arrowdown: [0, -1],
};

/** Null where the key means nothing for an image with these labels. */
export function meaning(key: string, labels: readonly string[]): Pressed | null {
  const act = pressedAct("label", key);
  if (act) return { act };
  const pan = PAN[key];
  if (pan) return { pan };
  const label = pressedLabel(key, labels);
  return label === null ? null : { label };
}
