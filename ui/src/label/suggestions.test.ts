import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Lease } from "../api/fields";
import { arrange, choicesOf, followed, pictureAt, placeOf, suggestionOf } from "./suggestions";

const LABELS = ["person", "animal", "vehicle"];

function lease(id: string, label: string | null, confidence: number | null = 0.9, task = "task"): Lease {
  const prelabel = label === null ? null : { label, confidence };
  return { subtask_id: id, task_id: task, labels: LABELS, prelabel } as unknown as Lease;
}

const none = new Set<string>();
const shown = (rows: ReturnType<typeof arrange>) =>
  rows.map(({ label, tiles }) => [label, ...tiles.map((tile) => tile.lease.subtask_id)].join(" "));

test.each([
  [lease("a", "animal", 0.6), true],
  [lease("a", "animal", 0.59), false],
  [lease("a", "animal", null), false],
  [lease("a", "plant", 0.9), false],
  [lease("a", null), false],
])("an image is offered only with a sure suggestion in the label set (%#)", (one, isOffered) => {
  expect(suggestionOf(one) !== null).toBe(isOffered);
});

test("rows come in the label set's order, each most sure first and no longer than there are columns", () => {
  const held = [
    lease("v", "vehicle"),
    lease("a", "animal", 0.7),
    lease("b", "animal", 0.95),
    lease("c", "animal", 0.8),
  ];
  const rows = arrange([], held, none, 2);
  expect(shown(rows)).toEqual(["animal b c", "vehicle v"]);
  expect(rows.map(({ more }) => more)).toEqual([1, 0]);
});

test("pictures keep their places while others come and go", () => {
  const held = [lease("a", "animal", 0.8), lease("b", "animal", 0.7)];
  const before = arrange([], held, none, 3);
  expect(shown(arrange(before, [...held, lease("c", "animal", 0.99)], none, 3))).toEqual(["animal a b c"]);
  expect(shown(arrange(before, [lease("b", "animal", 0.7), lease("c", "animal", 0.99)], none, 3))).toEqual([
    "animal b c",
  ]);
});

test("what came back by an undo goes before what took its place", () => {
  const old = lease("old", "animal", 0.99);
  const held = [lease("a", "animal"), lease("b", "animal")];
  const rows = arrange(arrange([], held, none, 2), [old, ...held], none, 2, [old]);
  expect(shown(rows)).toEqual(["animal old a"]);
});

test("what was set aside, and images of another task, are not offered", () => {
  const held = [lease("a", "animal"), lease("b", "animal"), lease("other", "animal", 0.9, "another task")];
  expect(shown(arrange([], held, new Set(["b"]), 8))).toEqual(["animal a"]);
});

test("a row is voted without its marked pictures", () => {
  const [row] = arrange([], [lease("a", "animal"), lease("b", "animal")], none, 8);
  const choices = row && choicesOf(row, new Set(["a"]));
  expect(choices?.map(({ lease: { subtask_id }, label }) => [subtask_id, label])).toEqual([["b", "animal"]]);
});

test("the focus stays on its picture, else in its row, else at its height", () => {
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index}`);
  const animals = (from: number, to: number) => ids(from, to).map((id) => lease(`a${id}`, "animal"));
  const vehicles = ids(0, 3).map((id) => lease(`v${id}`, "vehicle"));
  const before = arrange([], [...animals(0, 3), ...vehicles], none, 3);
  expect(followed(before, before, "a1")).toBe("a1");
  const without = arrange(before, [...animals(0, 1), ...animals(2, 4), ...vehicles], none, 3);
  expect(followed(before, without, "a1")).toBe("a2");
  const voted = arrange(before, [...animals(3, 6), ...vehicles], none, 3);
  expect(followed(before, voted, "a1")).toBe("a3");
  const gone = arrange(before, vehicles, none, 3);
  expect(followed(before, gone, "a1")).toBe("v0");
  expect(followed(before, [], "a1")).toBeNull();
});

const held = fc.uniqueArray(
  fc.tuple(fc.nat({ max: 30 }), fc.constantFrom(...LABELS, null), fc.double({ min: 0, max: 1, noNaN: true })),
  { selector: ([id]) => id, maxLength: 30 },
);

test("whatever comes and goes, each offered picture has one place or waits for one, and focus is on one of them", () => {
  fc.assert(
    fc.property(fc.array(held), fc.integer({ min: 1, max: 8 }), (changes, columns) => {
      let rows: ReturnType<typeof arrange> = [];
      let at: string | null = null;
      for (const change of changes) {
        const leases = change.map(([id, label, confidence]) => lease(`${id}`, label, confidence));
        const after = arrange(rows, leases, none, columns);
        at = followed(rows, after, at);
        rows = after;
        const ids = rows.flatMap(({ tiles }) => tiles.map((tile) => tile.lease.subtask_id));
        expect(new Set(ids).size).toBe(ids.length);
        expect(rows.reduce((sum, row) => sum + row.tiles.length + row.more, 0)).toBe(
          leases.filter(suggestionOf).length,
        );
        expect(at === null ? rows.length === 0 : placeOf(rows, at) !== null).toBe(true);
        expect(pictureAt(rows, 99, 99)).toBe(ids.at(-1) ?? null);
      }
    }),
  );
});
