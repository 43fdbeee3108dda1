/** Who works on this page: with authentication off whoever they say, else the person who is signed in. */
import { type Auth, callAs } from "../api/caller";
import { kept, type Readable, store } from "./store";

const text = (stored: unknown) => (typeof stored === "string" ? stored : "");

/** As the platform last said. Before it has, a page goes on as if it were off, and loses no time there. */
export const auth = kept<Auth>("quorate.auth", (stored) => (stored === "on" ? "on" : "off"));

/** The name that somebody gave, with authentication off. */
export const givenName = kept("quorate.who", text);

/** The id of the person who is signed in; empty without one. */
export const person = kept("quorate.person", text);

const current = store("");

/** The id by which the platform knows whoever is at the page; empty where nobody is known. */
export const who: Readable<string> = current;

function know(): void {
  const known = auth.get() === "on" ? person.get() : givenName.get();
  callAs(known, auth.get());
  current.set(known);
}

know();
for (const watched of [auth, givenName, person]) watched.subscribe(know);

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
