import { keyTexts } from "../texts/en.keys";
import { type Act, keysOf, labelKeys } from "./keymap";
import { prefs } from "./prefs";
import { useStore } from "./useStore";

/** The key of an act, as the person at the page has it. */
export function Key({ act }: { act: Act }) {
  return <kbd>{useKey(act)}</kbd>;
}

export function useKey(act: Act): string {
  return keyTexts.name(keysOf(act, useStore(prefs).keys)[0] ?? "");
}

/** The keys of labels, in the label set's order. */
export function useLabelKeys(): readonly string[] {
  return labelKeys(useStore(prefs).keys).map(keyTexts.name);
}
