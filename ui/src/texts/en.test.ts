import { expect, test } from "vitest";
import { en } from "./en";

const number = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent" });

test("numbers and shares are written as the browser would write them", () => {
  for (const value of [0, 1, 12, 999, 1000, 12_345, 1_234_567, -1234, 0.5, 1234.5678, 99.9996])
    expect(en.number(value)).toBe(number.format(value));
  for (const share of [0, 0.004, 0.005, 0.125, 0.5, 0.944, 0.999, 1, 14])
    expect(en.percent(share)).toBe(percent.format(share));
});

test("one thing, many things", () => {
  expect([0, 1, 2, 1000].map((count) => en.counted(count, "vote", "votes"))).toEqual([
    "0 votes",
    "1 vote",
    "2 votes",
    "1,000 votes",
  ]);
});
