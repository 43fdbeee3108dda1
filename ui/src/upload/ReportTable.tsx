import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { Button } from "../shell/Button";
import { saveFile } from "../shell/save";
import { en } from "../texts/en";
import { upload as uploadTexts } from "../texts/en.upload";
import { type Counts, CSV_HEAD, csvLines, type FileRow, type FileStatus, PAGE_ROWS, STATUSES } from "./report";
import css from "./report.module.css";
import { reports } from "./uploads";

const texts = uploadTexts.panel;
const ROW_PX = 36;
const PAGES_HELD = 20;

/** Every file of an upload with what became of it; only the pages on screen are held. */
export function ReportTable({ task, counts }: { task: string; counts: Counts }) {
  const [only, setOnly] = useState<FileStatus | null>(null);
  const statuses = STATUSES.filter((status) => counts[status] > 0 && (only === null || only === status));
  const total = statuses.reduce((sum, status) => sum + counts[status], 0);
  const scrolled = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scrolled.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const rowAt = usePages(task, counts);
  return (
    <div className={css.report}>
      <div className={css.tools}>
        <fieldset aria-label={texts.show}>
          <button type="button" aria-pressed={only === null} onClick={() => setOnly(null)}>
            {texts.all}
          </button>
          {STATUSES.map((status) => (
            <button key={status} type="button" aria-pressed={only === status} onClick={() => setOnly(status)}>
              {texts.statuses[status]} <b>{en.number(counts[status])}</b>
            </button>
          ))}
        </fieldset>
        <Button isCompact onClick={() => saveCsv(task)}>
          {texts.csv}
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box that the keyboard has to reach */}
      <section ref={scrolled} className={css.scrolled} tabIndex={0} aria-label={texts.report}>
        <table aria-rowcount={total + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">{texts.file}</th>
              <th scope="col">{texts.outcome}</th>
              <th scope="col">{texts.note}</th>
            </tr>
          </thead>
          <tbody>
            <Space height={items[0]?.start ?? 0} />
            {items.map(({ index }) => (
              <Row key={index} row={rowAt(place(index, statuses, counts))} index={index} />
            ))}
            <Space height={virtual.getTotalSize() - (items.at(-1)?.end ?? 0)} />
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** Stands for the rows that are not in the document. */
function Space({ height }: { height: number }) {
  return (
    <tr>
      <td colSpan={3} className={css.space} style={{ height }} />
    </tr>
  );
}

function Row({ row, index }: { row: FileRow | undefined; index: number }) {
  return (
    <tr aria-rowindex={index + 2} className={css.row}>
      <td title={row?.filename}>{row?.filename}</td>
      <td className={row && css[row.status]}>{row && texts.statuses[row.status]}</td>
      <td title={row && noteOf(row)}>{row && noteOf(row)}</td>
    </tr>
  );
}

function noteOf({ reason, notes }: FileRow): string {
  return [reason ?? "", ...notes].filter(Boolean).join("; ");
}

interface Place {
  status: FileStatus;
  position: number;
}

/** Which row of which status stands at an index. */
function place(index: number, statuses: readonly FileStatus[], counts: Counts): Place | null {
  let position = index;
  for (const status of statuses) {
    if (position < counts[status]) return { status, position };
    position -= counts[status];
  }
  return null;
}

/** Rows by place; a page is read when its first row is asked for, and again when rows have been added to it. */
function usePages(task: string, counts: Counts) {
  const pages = useRef(new Map<string, FileRow[]>());
  const [, redraw] = useState(0);
  const wanted = new Set<string>();
  useEffect(() => {
    let isGone = false;
    for (const key of wanted) {
      const [status, number] = key.split(" ") as [FileStatus, string];
      void reports.page(task, status, Number(number)).then((page) => {
        pages.current.delete(key);
        pages.current.set(key, page);
        for (const old of [...pages.current.keys()].slice(0, -PAGES_HELD)) pages.current.delete(old);
        if (!isGone) redraw((count) => count + 1);
      });
    }
    return () => {
      isGone = true;
    };
  });
  return (at: Place | null): FileRow | undefined => {
    if (!at) return undefined;
    const number = Math.floor(at.position / PAGE_ROWS);
    const key = `${at.status} ${number}`;
    const page = pages.current.get(key);
    if ((page?.length ?? 0) < Math.min(PAGE_ROWS, counts[at.status] - number * PAGE_ROWS)) wanted.add(key);
    return page?.[at.position % PAGE_ROWS];
  };
}

async function saveCsv(task: string): Promise<void> {
  const parts: string[] = [CSV_HEAD];
  for await (const rows of reports.rows(task, STATUSES)) parts.push(csvLines(rows));
  saveFile(texts.csvName, "text/csv", parts);
}
