// The report on a file of labels: a line of JSON for each row while it is applied, and at the end a summary.
import type { Schemas } from "../api/client";

export type Row = Schemas["RowReport"];
type Summary = Schemas["ImportReport"];
export type Format = "csv" | "jsonl" | "coco" | "yolo" | "imagefolder";

export const FORMATS: readonly Format[] = ["csv", "jsonl", "coco", "yolo", "imagefolder"];
/** So many rows that were not applied are kept to be shown; the others are only counted. */
export const MOST_KEPT = 1_000;
const FINE: readonly Row["status"][] = ["applied", "unchanged"];

export interface Report {
  rows: number;
  counts: Partial<Record<Row["status"], number>>;
  /** Rows that were not applied, the first of them. */
  missed: readonly Row[];
  /** Whether the summary came; without it the report was cut off. */
  isWhole: boolean;
}

export const NOTHING: Report = { rows: 0, counts: {}, missed: [], isWhole: false };

/** The report after more of its lines. */
export function withLines(report: Report, lines: readonly string[]): Report {
  const said = lines.map((line): Row | Summary => JSON.parse(line));
  const rows = said.filter((one): one is Row => "status" in one);
  const counts = { ...report.counts };
  for (const { status } of rows) counts[status] = (counts[status] ?? 0) + 1;
  const missed = rows.filter(({ status }) => !FINE.includes(status));
  return {
    rows: report.rows + rows.length,
    counts,
    missed: [...report.missed, ...missed].slice(0, MOST_KEPT),
    isWhole: report.isWhole || said.length > rows.length,
  };
}

/** The whole lines of a text that comes in pieces. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
  }
}

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  csv: "csv",
  tsv: "csv",
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "coco",
  zip: "yolo",
};

/** What a file most likely is, by its name. */
export function formatOf(name: string): Format {
  return BY_EXTENSION[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "csv";
}
