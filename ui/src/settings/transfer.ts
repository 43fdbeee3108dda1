/** Settings as a file, to be carried to another browser. */
import { type Prefs, prefsIn } from "../shell/prefs";

/** The most bytes that a file of settings has. */
export const MOST_BYTES = 16 * 1024;
const KIND = "quorate-settings";

export function exported(prefs: Prefs): string {
  return `${JSON.stringify({ kind: KIND, settings: prefs }, null, 2)}\n`;
}

export type Imported =
  | { prefs: Prefs }
  | { why: "large" | "not-json" | "other-file" }
  | { why: "wrong"; names: readonly (keyof Prefs)[] };

/** The settings in a file, or why it has none. What it leaves out is as at first; what is unknown is passed over. */
export function imported(text: string): Imported {
  if (new Blob([text]).size > MOST_BYTES) return { why: "large" };
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { why: "not-json" };
  }
  if (!isFile(file)) return { why: "other-file" };
  const { prefs, wrong } = prefsIn(file.settings);
  return wrong.length > 0 ? { why: "wrong", names: wrong } : { prefs };
}

function isFile(value: unknown): value is { settings: Partial<Prefs> } {
  if (typeof value !== "object" || value === null) return false;
  const { kind, settings } = value as { kind?: unknown; settings?: unknown };
  return kind === KIND && typeof settings === "object" && settings !== null && !Array.isArray(settings);
}
