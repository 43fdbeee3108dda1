import { expect, test } from "vitest";
import { initials, wrongName } from "./who";

test.each([
  ["Ann Nilsen", "AN"],
  ["ann", "AN"],
  ["ann.nilsen@example.org", "AN"],
])("the badge of %s is %s", (name, badge) => expect(initials(name)).toBe(badge));

test.each([
  ["", "empty"],
  ["   ", "empty"],
  ["x".repeat(201), "long"],
  ["李", "characters"],
  ["a\nb", "characters"],
  ["detector:yolo", "characters"],
  ["Zoë", null],
])("the name %j is judged %s, as the platform and HTTP headers would", (name, wrong) =>
  expect(wrongName(name)).toBe(wrong),
);
