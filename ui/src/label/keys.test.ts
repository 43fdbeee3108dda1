import { expect, test } from "vitest";
import { labelKeys, meaning } from "./keys";

const many = Array.from({ length: 40 }, (_, index) => `label ${index}`);

test("labels get digits, then letters that no act needs, in their own order", () => {
  const keys = [...labelKeys(many).values()];
  expect(keys.slice(0, 12).join("")).toBe("123456789acd");
  expect(new Set(keys).size).toBe(keys.length);
  for (const act of "uszhgbi") expect(keys).not.toContain(act);
});

test("the key of each label means that label, and nothing means a label without one", () => {
  for (const [label, key] of labelKeys(many)) expect(meaning(key, many)).toEqual({ label });
  expect(meaning("9", ["cat", "dog"])).toBeNull();
  expect(meaning("F5", many)).toBeNull();
});
