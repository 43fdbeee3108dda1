import { expect, test } from "vitest";
import type { Activity } from "../api/fields";
import type { VoteRecord } from "./queue";
import { emptyDesk, hold, recall, vote } from "./queue";
import { recalled } from "./recalled";

const seen = (subtask_id: string, label: string | null, more: object = {}) => ({
  subtask_id,
  task_id: "t",
  label,
  at: "2026-11-28T09:00:00.000Z",
  can_undo: true,
  thumbnail_url: `/${subtask_id}.jpg`,
  ...more,
});
const activity = (...recent: Activity["recent"]): Activity => ({ today: recent.length, votes_per_minute: 3, recent });
const underWay = (id: string, castAt: number) =>
  ({ user: "ann", lease: { subtask_id: id, task_id: "t" }, label: "dog", castAt, phase: "waiting" }) as VoteRecord;
const said = ({ past }: ReturnType<typeof recalled>) => past.map(({ lease, label }) => `${lease.subtask_id} ${label}`);

test("what the platform counted comes before what is still under way, oldest first", () => {
  const found = recalled(activity(seen("b", null), seen("a", "cat")), [underWay("d", 2), underWay("c", 1)], null);
  expect(said(found)).toEqual(["a cat", "b unsure", "c dog", "d dog"]);
  expect(found.unheard).toBe(2);
});

test("a vote that was counted and not yet heard of counts once", () => {
  const found = recalled(activity(seen("a", "dog")), [underWay("a", 1)], null);
  expect(said(found)).toEqual(["a dog"]);
  expect(found.unheard).toBe(0);
});

test("what can't be undone, and votes of other tasks than the chosen one, are left out", () => {
  const found = recalled(
    activity(seen("a", "cat"), seen("b", "cat", { can_undo: false }), seen("c", "cat", { task_id: "u" })),
    [],
    "t",
  );
  expect(said(found)).toEqual(["a cat"]);
});

test("without the platform's answer, what is under way can be undone", () => {
  expect(said(recalled(null, [underWay("c", 1)], null))).toEqual(["c dog"]);
});

test("what is recalled comes before what was done here, and nothing comes twice", () => {
  const lease = (id: string) => ({ subtask_id: id, task_id: "t", token: "k" }) as VoteRecord["lease"];
  const desk = hold(emptyDesk("ann"), ["a", "b"].map(lease), new Set());
  const { desk: voted } = vote(desk, [{ lease: lease("a"), label: "cat" }], 0);
  const { past } = recall(
    voted,
    ["z", "a", "b"].map((id) => ({ lease: { subtask_id: id, task_id: "t", thumbnail_url: "" }, label: "dog" })),
  );
  expect(past.map((deed) => deed.map((one) => one.lease.subtask_id).join())).toEqual(["z", "a"]);
});
