import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LINE_PX, spotsFor } from "./captions";

const ROOM = { width: 400, height: 300 };
const box = (left: number, top: number, height = 100, text = "vehicle 94%") => ({ text, left, top, height });

test("a caption stands over its box, or within where the picture begins", () => {
  expect(spotsFor([box(50, 60), box(250, 5)], ROOM)).toMatchObject([
    { x: 50, y: 60 - LINE_PX },
    { x: 250, y: 5 },
  ]);
});

test("a caption of a box at the picture's side does not run off it", () => {
  const [spot] = spotsFor([box(390, 60)], ROOM);
  expect((spot?.x ?? 0) + (spot?.width ?? 0)).toBe(ROOM.width);
  expect(spotsFor([box(0, 60)], { width: 40, height: 300 })).toMatchObject([{ x: 0, width: 40 }]);
});

test("boxes on one another have captions beside one another, the first ones the best place, the last ones none", () => {
  const spots = spotsFor(
    Array.from({ length: 5 }, () => box(50, 60)),
    ROOM,
  );
  expect(spots.map((spot) => spot?.y)).toEqual([40, 60, 140, 160, undefined]);
});

test("whatever the boxes are, every caption is within the picture and on no other", () => {
  const side = fc.integer({ min: 0, max: 390 });
  const boxes = fc.array(fc.record({ text: fc.string(), left: side, top: side, height: side }), { maxLength: 30 });
  fc.assert(
    fc.property(boxes, (all) => {
      const spots = spotsFor(all, ROOM).filter((spot) => spot !== null);
      for (const [at, { x, y, width }] of spots.entries()) {
        expect(x >= 0 && y >= 0 && x + width <= ROOM.width && y + LINE_PX <= ROOM.height).toBe(true);
        for (const other of spots.slice(0, at))
          expect(x + width <= other.x || other.x + other.width <= x || Math.abs(y - other.y) >= LINE_PX).toBe(true);
      }
    }),
  );
});
