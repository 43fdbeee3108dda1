/** Which key does what on every page: one table, and the rules by which a person changes it. */

export const SCOPES = ["label", "grid", "disputes", "tasks", "task", "recognise"] as const;
export type Scope = (typeof SCOPES)[number];

interface Action {
  scopes: readonly Scope[];
  /** As `keyOf` names keys. */
  keys: readonly string[];
}

export const ACTIONS = {
  unsure: { scopes: ["label"], keys: ["u"] },
  skip: { scopes: ["label"], keys: ["s"] },
  undo: { scopes: ["label", "grid"], keys: ["z", "backspace"] },
  hide: { scopes: ["label"], keys: ["h"] },
  boxes: { scopes: ["label"], keys: ["b"] },
  zoomIn: { scopes: ["label"], keys: ["+", "="] },
  zoomOut: { scopes: ["label"], keys: ["-"] },
  fit: { scopes: ["label"], keys: ["0"] },
  instructions: { scopes: ["label", "grid"], keys: ["i"] },
  mode: { scopes: ["label", "grid"], keys: ["g"] },
  mark: { scopes: ["grid"], keys: [" "] },
  voteRow: { scopes: ["grid"], keys: ["enter"] },
  voteAll: { scopes: ["grid"], keys: ["shift+enter"] },
  reason: { scopes: ["disputes"], keys: ["r"] },
  decide: { scopes: ["disputes"], keys: ["enter"] },
  next: { scopes: ["disputes", "tasks", "task", "recognise"], keys: ["j"] },
  previous: { scopes: ["disputes", "tasks", "task", "recognise"], keys: ["k"] },
  make: { scopes: ["tasks"], keys: ["n"] },
  work: { scopes: ["tasks", "task"], keys: ["l"] },
  filter: { scopes: ["task"], keys: ["f"] },
  exports: { scopes: ["task"], keys: ["x"] },
  find: { scopes: ["label", "tasks", "task"], keys: ["/"] },
  go: { scopes: ["disputes", "tasks", "task", "recognise"], keys: ["g"] },
  help: { scopes: SCOPES, keys: ["?"] },
} as const satisfies Record<string, Action>;

export type Act = keyof typeof ACTIONS;
export const ACTS = Object.keys(ACTIONS) as Act[];

/** What a person changed: each of these acts has one key, in place of those of the table. */
export type Keymap = Readonly<Partial<Record<Act, string>>>;

/** Keys that no person can change, for the list of keys. */
export const FIXED = [
  { scopes: ["label", "grid", "disputes"], keys: ["1-9", "a-y"], what: "labels" },
  { scopes: ["label"], keys: ["arrowleft", "arrowup", "arrowright", "arrowdown"], what: "pan" },
  { scopes: ["grid"], keys: ["arrowleft", "arrowup", "arrowright", "arrowdown"], what: "move" },
  { scopes: ["grid"], keys: ["tab"], what: "row" },
  { scopes: ["tasks", "task", "recognise"], keys: ["enter"], what: "open" },
  { scopes: ["task"], keys: ["1", "2", "3", "4"], what: "states" },
] as const satisfies readonly { scopes: readonly Scope[]; keys: readonly string[]; what: string }[];

const VOTING: readonly Scope[] = ["label", "grid", "disputes"];
const DIGITS: readonly string[] = [..."123456789"];
const LETTERS: readonly string[] = [..."abcdefghijklmnopqrstuvwxyz"];
const EDITING = ["backspace", "delete"];

/** A key by its name: `KeyboardEvent.key` in lower case; `shift+` before those that write nothing. */
export function keyOf({ key, shiftKey }: Pick<KeyboardEvent, "key" | "shiftKey">): string {
  const name = key.toLowerCase();
  return shiftKey && name.length > 1 ? `shift+${name}` : name;
}

export function keysOf(act: Act, keymap: Keymap): readonly string[] {
  const own = keymap[act];
  return own === undefined ? ACTIONS[act].keys : [own];
}

/** What a key does on a page; null where nothing, or where it chooses a label. */
export function actOf(scope: Scope, key: string, keymap: Keymap): Act | null {
  return ACTS.find((act) => isIn(act, [scope]) && keysOf(act, keymap).includes(key)) ?? null;
}

/** The keys of labels: digits, then the letters that do nothing else where people vote, in reading order. */
export function labelKeys(keymap: Keymap): readonly string[] {
  const taken = new Set(ACTS.filter((act) => isIn(act, VOTING)).flatMap((act) => keysOf(act, keymap)));
  return [...DIGITS, ...LETTERS].filter((key) => !taken.has(key));
}

export function labelAt(key: string, labels: readonly string[], keymap: Keymap): string | null {
  return labels[labelKeys(keymap).indexOf(key)] ?? null;
}

export type Refused = { why: "reserved" } | { why: "labels" } | { why: "taken"; by: Act };

/** Why an act can't have a key; null where it can. */
export function refusal(act: Act, key: string, keymap: Keymap): Refused | null {
  if (DIGITS.includes(key)) return { why: "labels" };
  if (!isFree(key) && !(ACTIONS[act].keys as readonly string[]).includes(key)) return { why: "reserved" };
  const by = ACTS.find(
    (other) => other !== act && isIn(other, ACTIONS[act].scopes) && keysOf(other, keymap).includes(key),
  );
  return by ? { why: "taken", by } : null;
}

/** The keymap with an act's own keys again, or why it can't have them. */
export function withDefault(act: Act, keymap: Keymap): Keymap | Refused {
  const { [act]: _, ...others } = keymap;
  for (const key of ACTIONS[act].keys) {
    const refused = refusal(act, key, others);
    if (refused) return refused;
  }
  return others;
}

/** Whether a value from outside changes keys in a way that `refusal` would have let happen. */
export function isKeymap(value: unknown): value is Keymap {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keymap = value as Keymap;
  return Object.entries(value).every(
    ([act, key]) => Object.hasOwn(ACTIONS, act) && typeof key === "string" && !refusal(act as Act, key, keymap),
  );
}

function isIn(act: Act, scopes: readonly Scope[]): boolean {
  return scopes.some((scope) => (ACTIONS[act].scopes as readonly Scope[]).includes(scope));
}

/** Whether a key is neither the browser's nor one that pages need for moving, pressing and closing. */
function isFree(key: string): boolean {
  const isVisible = [...key].length === 1 && key.trim() !== "" && key === key.toLowerCase();
  return isVisible || EDITING.includes(key);
}
