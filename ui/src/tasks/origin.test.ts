import { expect, it } from "vitest";
import { placeOf, turnOf } from "./origin";

const origin = (...affine: number[]) => ({ image_id: "a", width: 400, height: 300, path: [], affine });

it.each([
  ["the upper right quarter", origin(1, 0, 200, 0, 1, 0), 200, 150, [200, 0, 200, 150], 0],
  ["made half as large", origin(2, 0, 0, 0, 2, 0), 200, 150, [0, 0, 400, 300], 0],
  ["turned by 90°", origin(0, 1, 0, -1, 0, 300), 300, 400, [0, 0, 400, 300], 90],
  ["turned by 180°", origin(-1, 0, 400, 0, -1, 300), 400, 300, [0, 0, 400, 300], 180],
  ["a piece of one turned by 270°", origin(0, -1, 400, 1, 0, 0), 100, 50, [350, 0, 50, 100], 270],
])("%s", (_, made, width, height, [left, top, wide, high], turn) => {
  expect(placeOf(made, width, height)).toEqual({ left, top, width: wide, height: high });
  expect(turnOf(made)).toBe(turn);
});
