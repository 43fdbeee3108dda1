import { expect, test } from "vitest";
import { INITIAL, prefsIn } from "./prefs";

test("settings stored before a setting was made get its initial value", () => {
  const stored = { theme: "dark", strip: false, boxes: true, singleKeys: true };
  expect(prefsIn(stored)).toEqual({ prefs: { ...INITIAL, theme: "dark", strip: false }, wrong: [] });
});

test.each([[null], ["dark"], [7], [[]], [{ unknown: 1 }]])("%j says nothing", (value) => {
  expect(prefsIn(value)).toEqual({ prefs: INITIAL, wrong: [] });
});

test.each([
  ["theme", "</script><script>alert(1)</script>"],
  ["contrast", "less"],
  ["strip", "true"],
  ["ahead", 3],
  ["ahead", 41],
  ["ahead", 4.5],
  ["ahead", "10"],
  ["keys", { unsure: "s" }],
  ["keys", []],
] as const)("%s can't be %j, and the others stand", (name, value) => {
  expect(prefsIn({ hand: "left", [name]: value })).toEqual({ prefs: { ...INITIAL, hand: "left" }, wrong: [name] });
});

test("a file can't reach what is not its own", () => {
  expect(prefsIn(JSON.parse('{"__proto__": {"theme": "dark"}}')).prefs).toEqual(INITIAL);
});
