/** Texts of the page of settings. */
import type { Prefs } from "../shell/prefs";

const names: Record<keyof Prefs, string> = {
  theme: "Theme",
  contrast: "Contrast",
  motion: "Motion",
  hand: "Labels",
  strip: "Strip of images",
  boxes: "The detector's boxes",
  singleKeys: "Single keys",
  announces: "Announcements",
  ahead: "Images ahead",
  keys: "Keys",
};

export const settings = {
  kept: "Kept under your name, for every browser that you work in.",
  names,
  who: "The name that stands beside your votes. Votes that wait are sent under the name that cast them.",
  change: "Change",
  account: "Account",
  look: "Look",
  work: "Labeling",
  choices: {
    theme: { system: "As the system", light: "Light", dark: "Dark" },
    contrast: { system: "As the system", more: "More" },
    motion: { system: "As the system", reduced: "None" },
    hand: { left: "Left of the picture", right: "Right of the picture" },
  } satisfies { [F in "theme" | "contrast" | "motion" | "hand"]: Record<Prefs[F], string> },
  details: {
    strip: "Your last votes and the next images, below the picture.",
    boxes: "Drawn over the picture.",
    singleKeys: "Letters and digits alone act. Switch them off if you dictate.",
    announces: "Screen readers are told of each image that comes, and what the detector suggests.",
    ahead: "So many are here before you need them, at least; more if you are quick. Fewer suit a slow connection.",
    keys: "Press a key's button, then the key that you want. Escape leaves it as it is.",
  },
  keys: {
    press: "Press a key",
    change: (what: string, key: string) => `${what}: ${key}`,
    reset: "Reset",
    resetOne: (what: string) => `Reset ${what}`,
    resetAll: "Reset all keys",
    labels: (keys: string) => `Labels have the keys ${keys}, in their order: digits, then every letter that is free.`,
  },
  transfer: {
    title: "As a file",
    detail: "To carry your settings to another platform or name. It holds no names and no votes.",
    save: "Save as a file",
    load: "Read a file",
    file: "quorate-settings.json",
    done: "These settings are yours now.",
    large: "This file is too large to hold settings.",
    "not-json": "This file is not JSON.",
    "other-file": "This file holds no settings of Quorate.",
    wrong: (wrong: readonly (keyof Prefs)[]) =>
      `Nothing was taken from this file, because these can't be: ${wrong.map((name) => names[name]).join(", ")}.`,
    unreadable: "This file can't be read.",
  },
};
