// Looks through what was chosen, before anything is sent.

import { checked, HEAD_BYTES, kindOf, type Limits } from "./check";
import type { FileRow } from "./report";
import type { Source } from "./walk";

/** A file that is worth sending. */
export interface Ready extends Source {
  size: number;
}

export interface Selection {
  ready: Ready[];
  refused: FileRow[];
  bytes: number;
  zips: number;
  /** The first that is no zip. */
  picture: Ready | null;
}

export function noSelection(): Selection {
  return { ready: [], refused: [], bytes: 0, zips: 0, picture: null };
}

/** Add sources to a selection; `seen` is told now and then how far it is. */
export async function select(
  selection: Selection,
  sources: AsyncIterable<Source> | Iterable<Source>,
  limits: Limits,
  seen: (selection: Selection) => void,
): Promise<void> {
  let told = 0;
  for await (const source of sources) {
    await look(selection, source, limits);
    if (performance.now() - told > 100) {
      told = performance.now();
      seen(selection);
    }
  }
  seen(selection);
}

async function look(selection: Selection, source: Source, limits: Limits): Promise<void> {
  try {
    const file = await source.open();
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    const verdict = checked(source.path, file.size, head, limits);
    if (verdict) {
      selection.refused.push({ filename: source.path, ...verdict, notes: [] });
      return;
    }
    const ready = { ...source, size: file.size };
    selection.ready.push(ready);
    selection.bytes += file.size;
    if (kindOf(head) === "zip") selection.zips += 1;
    else selection.picture ??= ready;
  } catch (error) {
    selection.refused.push(unreadable(source.path, error));
  }
}

export function unreadable(path: string, error: unknown): FileRow {
  const why = error instanceof Error ? error.message : String(error);
  return { filename: path, status: "rejected", reason: `the browser can't read the file: ${why}`, notes: [] };
}
