import "fake-indexeddb/auto";
import { expect, it } from "vitest";
import { csvLines, type FileRow, type FileStatus, PAGE_ROWS, Reports, STATUSES } from "./report";

let databases = 0;
const reports = () => new Reports(`test-${databases++}`);
const row = (filename: string, status: FileStatus = "accepted"): FileRow => ({
  filename,
  status,
  reason: null,
  notes: [],
});
const rows = (count: number, status: FileStatus = "accepted") =>
  Array.from({ length: count }, (_, number) => row(`${number}`, status));

async function names(kept: Reports, task: string): Promise<string[]> {
  const all: string[] = [];
  for await (const page of kept.rows(task, STATUSES)) all.push(...page.map(({ filename }) => filename));
  return all;
}

it("every row is kept once, in pages of 500", async () => {
  const kept = reports();
  await kept.begin("t", 1300);
  for (let batch = 0; batch < 10; batch++) await kept.add("t", rows(123));
  expect((await kept.kept("t"))?.counts.accepted).toBe(1230);
  expect((await kept.page("t", "accepted", 0)).length).toBe(PAGE_ROWS);
  expect((await kept.page("t", "accepted", 2)).length).toBe(230);
  expect(await names(kept, "t")).toHaveLength(1230);
});

it("reports that come at once do not overwrite each other", async () => {
  const kept = reports();
  await kept.begin("t", 400);
  await Promise.all(
    Array.from({ length: 6 }, (_, lane) => kept.add("t", [row(`${lane}`), row(`${lane}`, "rejected")])),
  );
  expect((await names(kept, "t")).toSorted()).toEqual([..."001122334455"]);
});

it("what went wrong comes first", async () => {
  const kept = reports();
  await kept.add("t", [row("fine"), row("bad", "rejected"), row("again", "duplicate")]);
  expect(await names(kept, "t")).toEqual(["bad", "again", "fine"]);
});

it("a page that ends exactly at 500 rows is the last one", async () => {
  const kept = reports();
  await kept.add("t", rows(PAGE_ROWS));
  expect(await names(kept, "t")).toHaveLength(PAGE_ROWS);
});

it("a new upload begins a new report, and leaves those of other tasks", async () => {
  const kept = reports();
  await kept.add("t", rows(3));
  await kept.add("t2", rows(2));
  await kept.begin("t", 7);
  expect(await kept.kept("t")).toMatchObject({ files: 7, is_ended: false, counts: { accepted: 0 } });
  expect(await names(kept, "t")).toEqual([]);
  expect(await names(kept, "t2")).toEqual(["0", "1"]);
});

it("a cell of the CSV is no formula, and keeps quotes and line breaks", () => {
  const bad: FileRow = { filename: '=1+1,"x"', status: "rejected", reason: "a\nb", notes: ["cut", "turned"] };
  expect(csvLines([bad])).toBe('"\'=1+1,""x""",rejected,"a\nb",cut; turned\r\n');
});
