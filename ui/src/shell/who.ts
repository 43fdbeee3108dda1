/** Who works on this page, as long as authentication is off: a name, stored in the browser. */
import { callAs } from "../api/caller";
import { kept } from "./store";

export const who = kept("quorate.who", (stored) => (typeof stored === "string" ? stored : ""));

callAs(who.get());
who.subscribe(() => callAs(who.get()));

/** What is wrong with a name, or null. The platform and HTTP headers take these names. */
export function wrongName(name: string): "empty" | "long" | "characters" | null {
  if (!name.trim()) return "empty";
  if (name.length > 200) return "long";
  return /^[\x20-\x7e\xa0-\xff]*$/.test(name) && !name.startsWith("detector:") ? null : "characters";
}

/** The letters of a name for its round badge. */
export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[1]].map((word) => word?.[0] ?? "") : [name.slice(0, 2)];
  return letters.join("").toUpperCase();
}
