import { expect, test } from "vitest";
import {
  ACTIONS,
  ACTS,
  type Act,
  actOf,
  isKeymap,
  keyOf,
  keysOf,
  labelAt,
  labelKeys,
  refusal,
  SCOPES,
  withDefault,
} from "./keymap";

const many = Array.from({ length: 40 }, (_, index) => `label ${index}`);

test("the table gives no key to two acts of a page", () => {
  for (const scope of SCOPES) {
    const acts = ACTS.filter((act) => (ACTIONS[act].scopes as readonly string[]).includes(scope));
    const keys = acts.flatMap((act) => ACTIONS[act].keys as readonly string[]);
    expect(new Set(keys).size, scope).toBe(keys.length);
  }
});

test("the table would be let through as a person's own choice", () => {
  for (const act of ACTS)
    for (const key of ACTIONS[act].keys) expect(refusal(act, key, {}), `${act} ${key}`).toBeNull();
});

test("labels get digits, then letters that no act needs where people vote, in reading order", () => {
  const keys = labelKeys({});
  expect(keys.slice(0, 14).join("")).toBe("123456789acdef");
  expect(keys.length).toBeGreaterThanOrEqual(24);
  expect(new Set(keys).size).toBe(keys.length);
  for (const scope of ["label", "grid", "disputes"] as const)
    for (const key of keys) expect(actOf(scope, key, {}), `${scope} ${key}`).toBeNull();
});

test("the key of each label means that label, and nothing means a label without one", () => {
  const keys = labelKeys({});
  expect(keys.map((key) => labelAt(key, many, {}))).toEqual(many.slice(0, keys.length));
  expect(labelAt("9", ["cat", "dog"], {})).toBeNull();
  expect(labelAt("f5", many, {})).toBeNull();
});

test("a key that an act takes leaves the labels, and the one that it had comes to them", () => {
  const keymap = { unsure: "a" };
  expect(labelKeys(keymap)).not.toContain("a");
  expect(labelKeys(keymap)).toContain("u");
  expect(actOf("label", "a", keymap)).toBe("unsure");
  expect(actOf("label", "u", keymap)).toBeNull();
});

test.each<[Act, string, ReturnType<typeof refusal>]>([
  ["unsure", "q", null],
  ["unsure", "ø", null],
  ["unsure", "delete", null],
  ["unsure", "s", { why: "taken", by: "skip" }],
  ["mark", "z", { why: "taken", by: "undo" }],
  ["skip", "?", { why: "taken", by: "help" }],
  ["make", "s", null], // skip is not on the board of tasks
  ["unsure", "3", { why: "labels" }],
  ["unsure", "f5", { why: "reserved" }],
  ["unsure", "tab", { why: "reserved" }],
  ["unsure", "escape", { why: "reserved" }],
  ["unsure", "enter", { why: "reserved" }],
  ["unsure", " ", { why: "reserved" }],
  ["unsure", "arrowleft", { why: "reserved" }],
  ["unsure", "Q", { why: "reserved" }],
  ["unsure", "", { why: "reserved" }],
  ["decide", "enter", null],
])("%s on %j: %j", (act, key, refused) => {
  expect(refusal(act, key, {})).toEqual(refused);
});

test("an act gets its own keys back unless another has taken them", () => {
  expect(withDefault("unsure", { unsure: "q" })).toEqual({});
  expect(withDefault("unsure", { unsure: "q", skip: "u" })).toEqual({ why: "taken", by: "skip" });
});

test.each([
  [{}, true],
  [{ unsure: "q" }, true],
  [{ unsure: "s", skip: "u" }, true],
  [{ unsure: "q", skip: "q" }, false],
  [{ unsure: "s" }, false],
  [{ unsure: ["q"] }, false],
  [{ unsure: "</script>" }, false],
  [{ constructor: "q" }, false],
  [JSON.parse('{"__proto__": "q"}'), false],
  [["q"], false],
  [null, false],
])("%j is a keymap: %j", (value, isOne) => {
  expect(isKeymap(value)).toBe(isOne);
});

test("a held Shift names keys that write nothing apart, and letters alike", () => {
  expect(keyOf({ key: "Enter", shiftKey: true })).toBe("shift+enter");
  expect(keyOf({ key: "U", shiftKey: true })).toBe("u");
  expect(keysOf("undo", {})).toEqual(["z", "backspace"]);
  expect(keysOf("undo", { undo: "w" })).toEqual(["w"]);
});
