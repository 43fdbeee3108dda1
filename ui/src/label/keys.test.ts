import { expect, test } from "vitest";
import { setPrefs } from "../shell/prefs";
import { meaning } from "./keys";

const labels = ["cat", "dog"];

test("acts come before labels, and labels have their keys", () => {
  expect(meaning("u", labels)).toEqual({ act: "unsure" });
  expect(meaning("arrowleft", labels)).toEqual({ pan: [1, 0] });
  expect(meaning("2", labels)).toEqual({ label: "dog" });
  expect(meaning("3", labels)).toBeNull();
});

test("a key that a person changed works here at once", () => {
  setPrefs({ keys: { unsure: "q" } });
  expect(meaning("q", labels)).toEqual({ act: "unsure" });
  expect(meaning("u", labels)).toBeNull();
  setPrefs({ keys: {} });
});
