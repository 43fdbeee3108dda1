import { expect, test } from "vitest";
import { addressOf, changed, type Filter, filterOf } from "./filter";

const FULL: Filter = {
  state: "completed",
  label: "a&b=c",
  decided_by: "detector",
  suggested: "<img>",
  against_detector: false,
  agreement_from: 0.6,
  agreement_below: 0.7,
  filename: "IMG_",
  order: "uncertain",
};

test("a filter comes back from its address", () => {
  expect(filterOf(addressOf(FULL))).toEqual(FULL);
  expect(filterOf(addressOf({}))).toEqual({});
});

test("what an address names wrongly is left out", () => {
  const wrong =
    "state=gone&order=size&decided_by=chance&against_detector=yes&agreement_from=2&agreement_below=x&label=";
  expect(filterOf(new URLSearchParams(wrong))).toEqual({});
});

test("a change takes away what it says is null, and leaves the rest", () => {
  expect(changed(FULL, { label: null, filename: "" })).toEqual(
    Object.fromEntries(Object.entries(FULL).filter(([name]) => name !== "label" && name !== "filename")),
  );
});

test("open images are not sorted by agreement", () => {
  expect(changed(FULL, { state: "open" }).order).toBeUndefined();
  expect(changed({ order: "newest" }, { state: "open" }).order).toBe("newest");
});
