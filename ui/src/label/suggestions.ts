/** What the detector suggests, laid out in rows: one row a label, most sure first. Pure. */
import type { Lease } from "../api/fields";
import type { Choice } from "./queue";

/** Suggestions that are less sure are not offered in rows. */
export const LEAST_SURE = 0.6;

export interface Suggested {
  lease: Lease;
  label: string;
  confidence: number;
}

export interface Row {
  label: string;
  tiles: readonly Suggested[];
  /** How many more images wait for a place in this row. */
  more: number;
}

/** What the detector suggests for an image, where it is sure enough. */
export function suggestionOf(lease: Lease): Suggested | null {
  const { label = null, confidence = null } = lease.prelabel ?? {};
  if (label === null || confidence === null || confidence < LEAST_SURE) return null;
  return lease.labels.includes(label) ? { lease, label, confidence } : null;
}

/**
 * Rows of at most `length` pictures in the order of the label set, all of the task of the first image held. Pictures
 * that stand in a row keep their places as long as they are held, whatever comes; new ones follow, most sure first.
 * Those that came `back` by an undo go before.
 */
export function arrange(
  before: readonly Row[],
  held: readonly Lease[],
  aside: ReadonlySet<string>,
  length: number,
  back: readonly Lease[] = [],
): readonly Row[] {
  const [first] = held;
  const offered = held
    .filter((lease) => lease.task_id === first?.task_id && !aside.has(lease.subtask_id))
    .flatMap((lease) => suggestionOf(lease) ?? [])
    .toSorted((one, other) => other.confidence - one.confidence);
  return (first?.labels ?? []).flatMap((label) => {
    const ofLabel = offered.filter((one) => one.label === label);
    const standing = before.find((row) => row.label === label)?.tiles ?? [];
    const order = [...back, ...standing.map(({ lease }) => lease), ...ofLabel.map(({ lease }) => lease)];
    const ids = [...new Set(order.map(({ subtask_id }) => subtask_id))];
    const inOrder = ids.flatMap((id) => ofLabel.find(({ lease }) => lease.subtask_id === id) ?? []);
    const tiles = inOrder.slice(0, length);
    return tiles.length > 0 ? [{ label, tiles, more: ofLabel.length - tiles.length }] : [];
  });
}

/** What Enter votes: all pictures of a row that are not marked. */
export function choicesOf(row: Row, marked: ReadonlySet<string>): Choice[] {
  return row.tiles.filter(({ lease }) => !marked.has(lease.subtask_id)).map(({ lease, label }) => ({ lease, label }));
}

/** The row and the column of a picture. */
export function placeOf(rows: readonly Row[], id: string | null): readonly [row: number, column: number] | null {
  for (const [row, { tiles }] of rows.entries()) {
    const column = tiles.findIndex(({ lease }) => lease.subtask_id === id);
    if (column >= 0) return [row, column];
  }
  return null;
}

/** The picture at a place, or the nearest one. */
export function pictureAt(rows: readonly Row[], row: number, column: number): string | null {
  const tiles = rows[within(row, rows.length)]?.tiles ?? [];
  return tiles[within(column, tiles.length)]?.lease.subtask_id ?? null;
}

/** Where the focus goes once the rows have changed: it stays on its picture, in its row, or at its height. */
export function followed(before: readonly Row[], after: readonly Row[], id: string | null): string | null {
  if (placeOf(after, id)) return id;
  const place = placeOf(before, id);
  if (!place) return pictureAt(after, 0, 0);
  const [at, column] = place;
  const same = after.findIndex((row) => row.label === before[at]?.label);
  const isLeft = same >= 0 && after[same]?.tiles.some(({ lease }) => placeOf(before, lease.subtask_id)?.[0] === at);
  return pictureAt(after, same >= 0 ? same : at, isLeft ? column : 0);
}

function within(index: number, length: number): number {
  return Math.min(Math.max(index, 0), Math.max(length - 1, 0));
}
