/** What people may set for themselves. */
import { isKeymap, type Keymap } from "./keymap";
import { kept } from "./store";

export const FEWEST_AHEAD = 4;
export const MOST_AHEAD = 40;

export interface Prefs {
  theme: "system" | "light" | "dark";
  contrast: "system" | "more";
  motion: "system" | "reduced";
  /** The side of the labels, beside the picture. */
  hand: "right" | "left";
  strip: boolean;
  boxes: boolean;
  singleKeys: boolean;
  /** Whether screen readers are told of each image that comes. */
  announces: boolean;
  /** How many images are fetched before they are needed, at least. */
  ahead: number;
  keys: Keymap;
}

export const INITIAL: Prefs = {
  theme: "system",
  contrast: "system",
  motion: "system",
  hand: "right",
  strip: true,
  boxes: true,
  singleKeys: true,
  announces: true,
  ahead: 10,
  keys: {},
};

const oneOf =
  (...all: readonly unknown[]) =>
  (value: unknown) =>
    all.includes(value);
const isSwitch = oneOf(true, false);

const IS_VALID: Record<keyof Prefs, (value: unknown) => boolean> = {
  theme: oneOf("system", "light", "dark"),
  contrast: oneOf("system", "more"),
  motion: oneOf("system", "reduced"),
  hand: oneOf("right", "left"),
  strip: isSwitch,
  boxes: isSwitch,
  singleKeys: isSwitch,
  announces: isSwitch,
  ahead: (value) => Number.isInteger(value) && Number(value) >= FEWEST_AHEAD && Number(value) <= MOST_AHEAD,
  keys: isKeymap,
};

const NAMES = Object.keys(INITIAL) as (keyof Prefs)[];

/** The valid settings in a value from outside, the initial ones for what it lacks, and the names of those not valid. */
export function prefsIn(value: unknown): { prefs: Prefs; wrong: readonly (keyof Prefs)[] } {
  const given = typeof value === "object" && value !== null ? (value as Partial<Prefs>) : {};
  const named = NAMES.filter((name) => Object.hasOwn(given, name));
  const wrong = named.filter((name) => !IS_VALID[name](given[name]));
  const valid = named.filter((name) => !wrong.includes(name)).map((name) => [name, given[name]]);
  return { prefs: { ...INITIAL, ...Object.fromEntries(valid) }, wrong };
}

export const prefs = kept("quorate.prefs", (stored) => prefsIn(stored).prefs);

export function setPrefs(change: Partial<Prefs>): void {
  prefs.set({ ...prefs.get(), ...change });
}

/** The settings with those that were stored elsewhere in their place; null where this version cannot read them. */
export function withStored(stored: Readonly<Record<string, unknown>>): Prefs | null {
  const read = prefsIn({ ...prefs.get(), ...stored });
  return read.wrong.length === 0 ? read.prefs : null;
}

const SHOWN = ["theme", "contrast", "motion"] as const;

/** The style sheet reads these from the root element; what is as the system says has no attribute. */
function showOnRoot(): void {
  const { dataset } = document.documentElement;
  for (const name of SHOWN) {
    const value = prefs.get()[name];
    if (value === "system") delete dataset[name];
    else dataset[name] = value;
  }
}

showOnRoot();
prefs.subscribe(showOnRoot);
