import { expect, test } from "vitest";
import { INITIAL, type Prefs } from "../shell/prefs";
import { exported, imported, MOST_BYTES } from "./transfer";

const MINE: Prefs = { ...INITIAL, theme: "dark", hand: "left", ahead: 40, keys: { unsure: "q", skip: "u" } };
const file = (settings: unknown) => JSON.stringify({ kind: "quorate-settings", settings });

test("settings come back from their file", () => {
  expect(imported(exported(MINE))).toEqual({ prefs: MINE });
});

test.each([
  ["</script><script>alert(1)</script>", "not-json"],
  ["", "not-json"],
  ["{", "not-json"],
  ["null", "other-file"],
  ["[]", "other-file"],
  ['{"theme": "dark"}', "other-file"],
  [file([]), "other-file"],
  [file("dark"), "other-file"],
  [file({ theme: "x".repeat(MOST_BYTES) }), "large"],
])("%.40s is no file of settings: %s", (text, why) => {
  expect(imported(text)).toEqual({ why });
});

test("settings that can't be are named, and none is taken", () => {
  expect(imported(file({ theme: "</script>", ahead: 1e9, keys: { skip: "u" }, hand: "left" }))).toEqual({
    why: "wrong",
    names: ["theme", "ahead", "keys"],
  });
});

test("what a file leaves out is as at first, and what is unknown is passed over", () => {
  expect(imported(file({ strip: false, colour: "<img src=x>" }))).toEqual({ prefs: { ...INITIAL, strip: false } });
  expect(imported('{"kind": "quorate-settings", "settings": {"__proto__": {"strip": false}}}')).toEqual({
    prefs: INITIAL,
  });
});
