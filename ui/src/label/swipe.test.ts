import { expect, test } from "vitest";
import { begun, followed, reach } from "./swipe";

const at = (clientX: number, clientY: number) => ({ clientX, clientY });
const swiped = (...way: [number, number][]) =>
  way.reduce((swipe, [x, y]) => followed(swipe, at(x, y)), begun(at(200, 300)));

test.each([
  ["left", swiped([180, 300], [100, 310]), -1],
  ["right", swiped([220, 300], [300, 290]), 1],
  ["not far enough", swiped([150, 300]), -0.5],
  ["a little", swiped([190, 300]), 0],
  ["down", swiped([195, 330]), 0],
  ["down, then far to the side", swiped([195, 330], [10, 335]), 0],
  ["to the side, then further down", swiped([150, 300], [140, 380]), 0],
  ["to the side, then back", swiped([90, 300], [199, 300]), -0.01],
])("%s", (_, swipe, expected) => {
  expect(reach(swipe, 400)).toBeCloseTo(expected);
});
