import { expect, test } from "vitest";
import type { Lease } from "../api/fields";
import { bringForward, cast, emptyDesk, hold, putBack, takeBack, type VoteRecord, vote } from "./queue";

const lease = (id: string) => ({ subtask_id: id, token: "t" }) as Lease;
const ids = (leases: readonly Pick<Lease, "subtask_id">[]) => leases.map((one) => one.subtask_id).join(" ");
const desk = hold(emptyDesk("ann"), ["a", "b", "c", "d"].map(lease), new Set());
const choices = (labels: Record<string, string>) =>
  Object.entries(labels).map(([id, label]) => ({ lease: lease(id), label }));

test("a row is one deed: its votes wait together, and undo gives its images back in their order", () => {
  const voted = vote(desk, choices({ b: "cat", d: "dog" }), 1_000, { mode: "grid" });
  expect(ids(voted.desk.held)).toBe("a c");
  expect(voted.records.map(({ label, sendAfter }) => [label, sendAfter])).toEqual([
    ["cat", 5_000],
    ["dog", 5_000],
  ]);
  expect(voted.desk.past).toHaveLength(1);
  expect(voted.records.map(({ manner }) => manner)).toEqual([{ mode: "grid" }, { mode: "grid" }]);
  const back = putBack(
    voted.desk,
    voted.records.map((record) => record.lease),
  );
  expect(ids(back.held)).toBe("b d a c");
  expect(back.past).toEqual([]);
});

test("an image that is not held, or comes twice, is voted on no more than once", () => {
  const { records } = vote(desk, [...choices({ a: "cat", z: "cat" }), ...choices({ a: "dog" })], 0);
  expect(records.map(({ lease: { subtask_id }, label }) => `${subtask_id} ${label}`)).toEqual(["a cat"]);
  expect(vote(desk, choices({ z: "cat" }), 0)).toEqual({ desk, records: [] });
});

test("of a row of which part is on its way, the rest is taken back at once", () => {
  const { records } = vote(desk, choices({ a: "cat", b: "cat", c: "cat" }), 0);
  const stored = records.flatMap((record, index): VoteRecord[] =>
    index === 0 ? [{ ...record, phase: "sending" }] : index === 1 ? [record] : [],
  );
  const { records: left, answer } = takeBack(
    stored,
    "ann",
    records.map((record) => record.lease),
  );
  expect([answer.sending, answer.taken, answer.gone].map(ids)).toEqual(["a", "b", "c"]);
  expect(left).toEqual(stored.slice(0, 1));
  expect(
    takeBack(
      stored,
      "bea",
      records.map((record) => record.lease),
    ).records,
  ).toEqual(stored);
});

test("a row that another tab has voted on in part is added without that part, which is told", () => {
  const [first, ...others] = vote(desk, choices({ a: "cat", b: "cat", c: "cat" }), 0).records;
  const { records, answer } = cast(others.slice(0, 1), [...(first ? [first] : []), ...others]);
  expect(ids(answer.map((record) => record.lease))).toBe("b");
  expect(ids(records.map((record) => record.lease))).toBe("b a c");
});

test("images are brought forward in the order asked for", () => {
  expect(ids(bringForward(desk, new Set(["d", "z", "b"])).held)).toBe("d b a c");
});
