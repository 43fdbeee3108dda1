import { expect, test } from "vitest";
import { quotas as texts } from "../texts/en.quotas";
import { type Leases, read, rows, type Stored, typed } from "./quotas";

const NONE = { bytes: null, images: null, open_tasks: null };
const USAGE = { bytes: 1_500_000, images: 3, open_tasks: 1 };
const stored = (team: string): Stored => ({ team, own: NONE, limits: { ...NONE, images: 10 }, usage: USAGE });
const LEASES: Leases = {
  defaults: { live_leases: 50 },
  items: [{ team: "first", own: { live_leases: 7 }, limits: { live_leases: 7 } }],
  next_cursor: null,
};

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

test("a team has what both services say of it, else the defaults", () => {
  const [first, other] = rows([stored("first"), stored("other")], LEASES);
  expect(first?.limits).toEqual({ ...NONE, images: 10, live_leases: 7 });
  expect(first?.own.live_leases).toBe(7);
  expect(other?.limits.live_leases).toBe(50);
  expect(other?.own.live_leases).toBeNull();
});

test("what was set comes back as it is typed", () => {
  const [row] = rows([{ ...stored("first"), own: { ...NONE, bytes: 2_000_000 } }], LEASES);
  expect(row && typed(row)).toEqual({ images: "", megabytes: "2", openTasks: "", liveLeases: "7" });
  expect(row && read(form(typed(row)))).toEqual({ images: null, megabytes: 2, openTasks: null, liveLeases: 7 });
});

test.each(["-1", "1.5", "many", "1e3"])("%s is no quota of images", (text) => {
  expect(read(form({ images: text, megabytes: "1.5" }))).toBe("images");
});

test("bytes are said in units that people know", () => {
  expect([0, 999, 1_500_000, 20_000_000_000].map(texts.bytes)).toEqual(["0 bytes", "999 bytes", "1.5 MB", "20 GB"]);
});
