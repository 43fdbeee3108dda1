import { afterEach, expect, test, vi } from "vitest";
import type { Lease } from "../api/fields";
import { Rows } from "./rows";

const LABELS = ["person", "animal"];
const NONE = new Set<string>();

function lease(id: string, label: string | null): Lease {
  const prelabel = label === null ? null : { label, confidence: 0.9 };
  return { subtask_id: id, task_id: "task", labels: LABELS, prelabel } as unknown as Lease;
}

const several = (count: number, label: string) =>
  Array.from({ length: count }, (_, at) => lease(`${label} ${at}`, label));

/** Answers each request by a row's end, or what lies behind it; returns the bodies of the requests. */
function answering(...cursors: (string | null)[]): object[] {
  const asked: object[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(await request.json());
    return new Response(
      JSON.stringify({ leases: [], more: false, waiting_for_others: 0, next_cursor: cursors.shift() }),
    );
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

test("a row is short where fewer are held than stand in it, in the order of the label set", () => {
  const rows = new Rows();
  const alone = lease("alone", null);
  expect(rows.short([], NONE, 0)).toBe(null);
  expect(rows.short([alone], NONE, 0)).toEqual({ taskId: "task", label: "person", count: 16 });
  const people = several(8, "person");
  expect(rows.short([alone, ...people], NONE, 0)).toMatchObject({ label: "animal" });
  expect(rows.short([alone, ...people, ...several(8, "animal")], NONE, 0)).toBe(null);
});

test("what was set aside fills no row, and is held beside it", () => {
  const people = several(8, "person");
  expect(new Rows().short(people, new Set(["person 0", "person 1"]), 0)).toMatchObject({ label: "person", count: 18 });
});

test("nothing is asked for while as much is held as the platform leases", () => {
  expect(new Rows().short(several(100, "animal"), NONE, 0)).toBe(null);
});

test("a row is looked through portion by portion, and from its beginning again only later", async () => {
  const rows = new Rows();
  const asked = answering("further", null, null);
  const look = async () => {
    const row = rows.short([lease("alone", null)], NONE, Date.now());
    if (row?.label === "person") await rows.lease(row, 3, LABELS.length);
    return row?.label;
  };
  expect([await look(), await look(), await look()]).toEqual(["person", "person", "animal"]);
  const wanted = { count: 19, task_id: "task", suggested: "person", order: "confident", min_confidence: 0.6 };
  expect(asked).toEqual([
    { ...wanted, cursor: null },
    { ...wanted, cursor: "further" },
  ]);
  expect(rows.short([lease("alone", null)], NONE, Date.now() + 60_000)).toMatchObject({ label: "person" });
});

test("where the platform leases no more just now, the row is not asked for again at once", async () => {
  const rows = new Rows();
  answering("here", "here");
  const held = [lease("alone", null)];
  const row = rows.short(held, NONE, Date.now());
  for (let times = 0; row && times < 2; times++) await rows.lease(row, 0, LABELS.length);
  expect(rows.short(held, NONE, Date.now())).toMatchObject({ label: "animal" });
});
