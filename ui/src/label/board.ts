/** The grid of one person's work: rows of suggestions, which of them are marked, and where the focus is. */
import type { Lease } from "../api/fields";
import { type Store, store } from "../shell/store";
import { label as texts } from "../texts/en.label";
import type { Session } from "./session";
import { arrange, choicesOf, followed, pictureAt, placeOf, type Row, suggestionOf } from "./suggestions";

/** Pictures of coming rows that are fetched before they are shown. */
const FETCHED_AHEAD = 32;

export interface Shown {
  rows: readonly Row[];
  /** Pictures that are not what the detector says. */
  marked: ReadonlySet<string>;
  /** The picture that keys act on. */
  at: string | null;
  /** What screen readers are told of the last deed. */
  said: string;
}

export class Board {
  readonly shown: Store<Shown> = store<Shown>({ rows: [], marked: new Set(), at: null, said: "" });
  readonly #session: Session;
  #length = 8;
  #fetched: ReadonlyMap<string, HTMLImageElement> = new Map();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Shows rows until the returned function is called; the marked pictures then come first, one at a time. */
  open(): () => void {
    const forget = this.#session.view.subscribe(() => this.#arrange());
    this.#session.setMode("grid");
    return () => {
      forget();
      this.#fetched = new Map();
      this.#session.setMode("one", new Set([...this.#session.aside, ...this.shown.get().marked]));
    };
  }

  /** How many pictures a row has. */
  setLength(length: number): void {
    this.#length = length;
    this.#arrange();
  }

  /** Moves the focus by rows and columns. */
  move(rows: number, columns: number): void {
    const { rows: all, at } = this.shown.get();
    const [row, column] = placeOf(all, at) ?? [0, 0];
    this.focus(pictureAt(all, row + rows, column + columns));
  }

  focus(id: string | null): void {
    if (id !== this.shown.get().at) this.#show({ at: id });
  }

  /** Marks a picture as not what the detector says, or takes the mark away. */
  mark(id = this.shown.get().at): void {
    if (id === null) return;
    const marked = new Set(this.shown.get().marked);
    if (!marked.delete(id)) marked.add(id);
    this.#show({ marked, at: id });
  }

  /** Takes a picture out of the rows; it comes one at a time. */
  setAside(id: string): void {
    this.#session.aside = new Set([...this.#session.aside, id]);
    this.#arrange();
  }

  /** Votes what is not marked in the row of the focus. */
  voteRow(): void {
    const { rows, at } = this.shown.get();
    const row = rows[placeOf(rows, at)?.[0] ?? 0];
    if (row) this.vote([row]);
  }

  /** Votes what is not marked in these rows; what is marked leaves them. */
  vote(rows: readonly Row[] = this.shown.get().rows): void {
    const { marked } = this.shown.get();
    const choices = rows.flatMap((row) => choicesOf(row, marked));
    const left = rows.flatMap(({ tiles }) => tiles.map(({ lease }) => lease.subtask_id)).filter((id) => marked.has(id));
    this.#session.aside = new Set([...this.#session.aside, ...left]);
    this.#show({ said: texts.grid.voted(choices.length) });
    this.#session.voteAll(choices);
    this.#arrange();
  }

  /** Votes another label for the picture of the focus. */
  relabel(label: string): void {
    const { rows, at } = this.shown.get();
    const tile = rows.flatMap((row) => row.tiles).find(({ lease }) => lease.subtask_id === at);
    if (!tile) return;
    this.#show({ said: texts.grid.relabeled(tile.lease.label_names[label] ?? label) });
    this.#session.voteAll([{ lease: tile.lease, label }]);
  }

  /** Takes the last deed back; the focus goes to what came back. */
  async undo(): Promise<void> {
    const before = new Set(this.#held().map((lease) => lease.subtask_id));
    await this.#session.undo();
    const back = this.#held().filter((lease) => !before.has(lease.subtask_id));
    if (!back[0]) return;
    this.#arrange(back);
    this.#show({ at: back[0].subtask_id, said: texts.grid.undone(back.length) });
  }

  #held(): Lease[] {
    const { lease, ahead } = this.#session.view.get();
    return lease ? [lease, ...ahead] : [];
  }

  /** Lays the rows anew; `back` are pictures that came back, which go first in theirs. */
  #arrange(back: readonly Lease[] = []): void {
    const { rows: before, marked, at } = this.shown.get();
    const held = this.#held();
    const ids = new Set(held.map((lease) => lease.subtask_id));
    const isHeld = (id: string) => ids.has(id);
    this.#session.aside = new Set([...this.#session.aside].filter(isHeld));
    const rows = arrange(before, held, this.#session.aside, this.#length, back);
    this.#show({ rows, marked: new Set([...marked].filter(isHeld)), at: followed(before, rows, at) });
    const ahead = held.filter((lease) => suggestionOf(lease) && !placeOf(rows, lease.subtask_id));
    this.#fetched = new Map(
      ahead
        .slice(0, FETCHED_AHEAD)
        .map(({ thumbnail_url }) => [thumbnail_url, this.#fetched.get(thumbnail_url) ?? fetched(thumbnail_url)]),
    );
  }

  #show(change: Partial<Shown>): void {
    this.shown.set({ ...this.shown.get(), ...change });
  }
}

function fetched(url: string): HTMLImageElement {
  return Object.assign(new Image(), { src: url });
}
