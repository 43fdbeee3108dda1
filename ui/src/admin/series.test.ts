import { expect, test } from "vitest";
import { alone, firstKnown, mostAt, plotted, rowsOf, type Told } from "./series";

const FROM = "2026-11-28T03:00:00.000Z";
const FIRST = Date.parse(FROM) / 1000;

const told = (series: Told["series"]): Told => ({ step_s: 60, from: FROM, replica: "a:1", series });

test("what the platform does not tell of is null in every minute", () => {
  const { times, votes, p50, p95, oldest, queues } = plotted(told({}), 3);
  expect(times).toEqual([FIRST, FIRST + 60, FIRST + 120]);
  for (const values of [votes, p50, p95, oldest, queues]) expect(values).toEqual([null, null, null]);
});

test("the oldest event of each minute, and its queue; where none waits there is no queue", () => {
  const { oldest, queues } = plotted(
    told({ "queue.a": [0, 2.5, null, null], "queue.b": [0, 1, 7, null], votes: [99, 99, 99, 99] }),
    4,
  );
  expect(oldest).toEqual([0, 2.5, 7, null]);
  expect(queues).toEqual([null, "a", "b", null]);
});

test("since when anything is known", () => {
  expect(firstKnown(plotted(told({}), 2))).toBe(-1);
  expect(firstKnown(plotted(told({ votes: [null, null, 0], "queue.a": [null, 0, 0] }), 3))).toBe(1);
});

test("the largest value is the earliest of several", () => {
  expect(mostAt([null, 3, 1, 3])).toBe(1);
  expect(mostAt([0, null])).toBe(0);
  expect(mostAt([null, null])).toBe(-1);
  expect(mostAt([])).toBe(-1);
});

test("values without a neighbour are drawn as points", () => {
  expect(alone([1, null, 2, 2, null, 0, null, 3])).toEqual([0, 5, 7]);
  expect(alone([1])).toEqual([0]);
  expect(alone([null, 1, 2])).toEqual([]);
});

test("rows add up votes and keep the largest of the rest, the newest first", () => {
  const series = {
    votes: [null, 2, 3, null, null, 5],
    requests_p50_ms: [1, 4, 2, null, null, 1],
    requests_p95_ms: [10, 40, 20, null, null, null],
    "queue.a": [null, 0, 0.5, null, null, 0],
  };
  expect(rowsOf(plotted(told(series), 6), 2)).toEqual([
    { from: FIRST + 240, votes: 5, p50: 1, p95: null, oldest: 0 },
    { from: FIRST + 120, votes: 3, p50: 2, p95: 20, oldest: 0.5 },
    { from: FIRST, votes: 2, p50: 4, p95: 40, oldest: 0 },
  ]);
  const uneven = plotted({ ...told({ votes: [1, 2, 3, 4] }), from: "2026-11-28T02:58:00.000Z" }, 4);
  expect(rowsOf(uneven, 60).map(({ from, votes }) => [from, votes])).toEqual([
    [FIRST, 7],
    [FIRST - 3600, 3],
  ]);
  expect(rowsOf(plotted(told({ votes: [null, null, 0, null] }), 4), 2)).toEqual([
    { from: FIRST + 120, votes: 0, p50: null, p95: null, oldest: null },
  ]);
});
