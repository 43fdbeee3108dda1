import { expect, it } from "vitest";
import { formatOf, linesOf, MOST_KEPT, NOTHING, withLines } from "./labelReport";

const row = (number: number, status: string) =>
  JSON.stringify({ row: number, name: `${number}.jpg`, status, image_id: null, label: null, reason: "why", notes: [] });

it("rows are counted by what became of them, and those that were not applied are kept", () => {
  const report = withLines(withLines(NOTHING, [row(1, "applied"), row(2, "unknown_image")]), [row(3, "applied")]);
  expect(report).toMatchObject({ rows: 3, counts: { applied: 2, unknown_image: 1 }, isWhole: false });
  expect(report.missed.map(({ name }) => name)).toEqual(["2.jpg"]);
  expect(withLines(report, ['{"summary":{"rows":3},"format":"csv","model":"import:1"}']).isWhole).toBe(true);
});

it("only the first rows that were not applied are kept", () => {
  const many = Array.from({ length: MOST_KEPT + 5 }, (_, number) => row(number, "malformed"));
  const report = withLines(NOTHING, many);
  expect(report.missed).toHaveLength(MOST_KEPT);
  expect(report.counts.malformed).toBe(MOST_KEPT + 5);
});

it("lines are whole, wherever the pieces are cut", async () => {
  const bytes = new TextEncoder().encode("één\ntwo\nthree\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const lines: string[] = [];
  for await (const some of linesOf(body)) lines.push(...some);
  expect(lines).toEqual(["één", "two", "three"]);
});

it.each([
  ["labels.CSV", "csv"],
  ["a.b.ndjson", "jsonl"],
  ["instances.json", "coco"],
  ["dataset.zip", "yolo"],
  ["labels", "csv"],
])("%s is most likely %s", (name, format) => expect(formatOf(name)).toBe(format));
