import { describe, expect, it } from "vitest";
import { bytesOver, folded, labelFaults, moved, parseLabels } from "./labels";

describe("a pasted label set", () => {
  it("has a label a line", () => {
    expect(parseLabels("cat\r\n\n  dog \nsalt, pepper\n")).toEqual(["cat", "dog", "salt, pepper"]);
  });

  it("has labels between commas where it is one line", () => {
    expect(parseLabels("cat, dog,,bird\n")).toEqual(["cat", "dog", "bird"]);
  });

  it("keeps markup as it is", () => {
    expect(parseLabels("<img src=x onerror=alert(1)>")).toEqual(["<img src=x onerror=alert(1)>"]);
  });
});

describe("labels that are the same", () => {
  it.each([
    ["Cat", "cAT"],
    ["café", "cafe\u0301"],
    ["Straße", "STRASSE"],
    ["ΟΔΟΣ", "οδος"],
    ["ﬁn", "FIN"],
    ["GROẞ", "groß"],
  ])("%s and %s", (one, other) => {
    expect(folded(one)).toBe(folded(other));
    expect(labelFaults([one, other], false)).toEqual(new Map([[1, "duplicate"]]));
  });

  it("are not those that differ in an accent or a dot", () => {
    expect(labelFaults(["cafe", "café", "i", "ı"], false).size).toBe(0);
  });
});

describe("a label that cannot stay", () => {
  it.each([
    ["\u200b\u2800", "invisible"],
    ["\ud800", "invisible"],
    ["x\ud800", "invisible"],
    ["x".repeat(201), "too-long"],
    ["Unsure", "reserved"],
  ])("%j is %s", (label, fault) => {
    expect(labelFaults(["cat", label], true)).toEqual(new Map([[1, fault]]));
  });

  it("is not one of 200 characters outside the basic plane, nor `unsure` where nobody may be unsure", () => {
    expect(labelFaults(["🐈".repeat(200), "unsure"], false).size).toBe(0);
  });
});

it("a set over 32,768 bytes says by how much", () => {
  expect(bytesOver(["x".repeat(32_768)])).toBe(0);
  expect(bytesOver(["ä".repeat(16_385)])).toBe(2);
});

it("a label moves, and stops at the ends", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, -1)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], 0, 9)).toEqual(["b", "c", "a"]);
});
