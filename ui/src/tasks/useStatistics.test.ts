import { expect, test } from "vitest";
import { cellsOf, mostMistaken } from "./useStatistics";

const MATRIX = [
  [22, 0, 4],
  [0, 8, 0],
  [6, 0, 13],
];

test("a matrix and a list of cells say the same", () => {
  const cells = cellsOf(MATRIX);
  expect(cells).toHaveLength(5);
  expect(cells).toContainEqual({ row: 2, column: 0, count: 6 });
  expect(cellsOf(cells)).toEqual(cells);
});

test("the detector's most frequent mistake, and how often it is the other way round", () => {
  expect(mostMistaken(cellsOf(MATRIX))).toEqual({ row: 2, column: 0, count: 6, reverse: 4 });
  expect(mostMistaken(cellsOf([[3]]))).toBeNull();
});
