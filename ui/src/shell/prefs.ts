/** What people may set for themselves. */
import { kept } from "./store";

export interface Prefs {
  theme: "system" | "light" | "dark";
  strip: boolean;
  boxes: boolean;
  singleKeys: boolean;
}

const INITIAL: Prefs = { theme: "system", strip: true, boxes: true, singleKeys: true };

const isPrefs = (value: unknown): value is Prefs =>
  typeof value === "object" && value !== null && Object.keys(INITIAL).every((name) => name in value);

export const prefs = kept<Prefs>("quorate.prefs", INITIAL, isPrefs);

export function setPrefs(change: Partial<Prefs>): void {
  prefs.set({ ...prefs.get(), ...change });
}

function showTheme(): void {
  const { theme } = prefs.get();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

showTheme();
prefs.subscribe(showTheme);
