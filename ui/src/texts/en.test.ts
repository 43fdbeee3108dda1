import { expect, test } from "vitest";
import { en } from "./en";
import { moment } from "./en.tasks";

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

test("a moment of another year says which", () => {
  const year = new Date().getFullYear();
  expect(moment(new Date(year, 5, 7, 8, 9).toISOString())).toBe("7 Jun, 08:09");
  expect(moment(new Date(year + 4, 5, 7, 8, 9).toISOString())).toBe(`7 Jun ${year + 4}`);
});
