import { expect, it } from "vitest";
import { askedOf, factorFor, faultOf, NO_PIPELINE, newStep, type Operation, requestOf, withValue } from "./operations";

const argument = { choices: null, min: null, max: null, default: null };
const size = { ...argument, name: "size", kind: "size", min: 1, max: 10_000 } as const;
const place = (name: string) => ({ ...argument, name, kind: "number", min: 0, max: 10_000 }) as const;

const FIT: Operation = { name: "fit", form: "value", arguments: [size], makes_several: false };
const SPLIT: Operation = { name: "split", form: "true", arguments: [], makes_several: true };
const TILE: Operation = {
  name: "tile",
  form: "object",
  arguments: [size, { ...argument, name: "overlap", kind: "integer", min: 0, max: 5_000, default: 0 }],
  makes_several: true,
};
const CROP: Operation = {
  name: "crop",
  form: "object",
  arguments: ["left", "top", "width", "height"].map(place),
  makes_several: false,
};
const ROTATE: Operation = {
  name: "rotate",
  form: "value",
  arguments: [{ ...argument, name: "degrees", kind: "choice", choices: [90, 180, 270] }],
  makes_several: false,
};
const HIDE: Operation = {
  name: "hide",
  form: "object",
  arguments: [
    { ...argument, name: "labels", kind: "labels", min: 1, max: 100 },
    { ...argument, name: "with", kind: "choice", choices: ["pixelate", "fill"], default: "pixelate" },
    { ...argument, name: "grow", kind: "number", min: 0, max: 1, default: 0.1 },
  ],
  makes_several: false,
};

const step = (operation: Operation, values: object = {}) => {
  const made = newStep(operation, 0);
  return { ...made, values: { ...made.values, ...values } };
};

it.each([
  [step(SPLIT), ["split", true]],
  [step(FIT, { size: "640x480" }), ["fit", "640x480"]],
  [step(ROTATE), ["rotate", 90]],
  [step(TILE, { overlap: 8 }), ["tile", { size: "512x512", overlap: 8 }]],
  [step(CROP), ["crop", { left: 0.25, top: 0.25, width: 0.5, height: 0.5 }]],
  [{ ...step(CROP), unit: "pixels" as const }, ["crop", { left: 25, top: 25, width: 50, height: 50 }]],
  [step(HIDE, { labels: ["person"] }), ["hide", { labels: ["person"], with: "pixelate", grow: 0.1 }]],
])("a step is asked for in the form of its operation", (one, asked) => expect(askedOf(one)).toEqual(asked));

it.each([
  [step(FIT, { size: "640x" }), "size"],
  [step(FIT, { size: "640x10001" }), "size"],
  [step(CROP, { width: 101 }), "width"],
  [step(CROP, { height: 0 }), "height"],
  [step(CROP, { left: 0, top: 0, width: 100, height: 100 }), "height"],
  [step(CROP, { left: Number.NaN }), "left"],
  [step(HIDE), "labels"],
  [step(TILE, { overlap: -1 }), "overlap"],
])("a value that the platform would refuse is found before", (one, name) => {
  expect(faultOf(one)?.argument.name).toBe(name);
});

it("what was filled in is taken", () => {
  const filled = [step(SPLIT), step(FIT), step(TILE), step(CROP), step(ROTATE), step(HIDE, { labels: ["face"] })];
  expect(filled.map(faultOf)).toEqual(filled.map(() => null));
  expect(faultOf(withValue(step(FIT), "size", "1x1"))).toBeNull();
});

it("without a step there is no pipeline", () => {
  expect(requestOf(NO_PIPELINE)).toBeNull();
  expect(requestOf({ ...NO_PIPELINE, steps: [step(SPLIT)] })).toEqual({
    operations: [["split", true]],
    output: "png",
    quality: 95,
  });
});

it("quarters are counted by the steps, tiles by what a sample made", () => {
  const quarters = { ...NO_PIPELINE, steps: [step(SPLIT), step(FIT), step(SPLIT)] };
  const tiles = { ...NO_PIPELINE, steps: [step(SPLIT), step(TILE)] };
  expect(factorFor(NO_PIPELINE, null)).toBe(1);
  expect(factorFor(quarters, null)).toBe(16);
  expect(factorFor(tiles, null)).toBeNull();
  expect(factorFor(tiles, [{ count: 4 }])).toBeNull(); // not tried to its end
  expect(factorFor(tiles, [{ count: 4 }, { count: 24 }])).toBe(24);
  expect(factorFor(tiles, [{ count: 4 }, { count: 0 }])).toBeNull(); // its last step failed
});
