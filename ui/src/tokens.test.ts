import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync("src/tokens.css", "utf8");

const TOKENS = new Map(
  [...css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name ?? "",
    { light: light ?? "", dark: dark ?? "" },
  ]),
);

function luminance(colour: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const TEXT = 4.5;
const EDGE = 3;
const PAIRS: [string, string, number][] = [
  ...["paper", "panel", "raised", "stage"].flatMap((under): [string, string, number][] => [
    ["ink", under, TEXT],
    ["ink-2", under, TEXT],
  ]),
  ...["accent", "slate", "ochre", "madder"].flatMap((colour): [string, string, number][] => [
    [colour, "panel", TEXT],
    [colour, "paper", TEXT],
    [colour, `${colour}-soft`, TEXT],
  ]),
  ["on-accent", "accent", TEXT],
  ["line-2", "panel", EDGE],
  ["line-2", "paper", EDGE],
  ["line-2", "raised", EDGE],
];

test.each(PAIRS)("%s on %s is readable in both themes", (front, back, least) => {
  for (const theme of ["light", "dark"] as const) {
    const [above, below] = [TOKENS.get(front), TOKENS.get(back)];
    expect(contrast(above?.[theme] ?? "", below?.[theme] ?? "")).toBeGreaterThanOrEqual(least);
  }
});
