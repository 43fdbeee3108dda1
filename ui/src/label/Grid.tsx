import { useEffect, useLayoutEffect, useRef } from "react";
import { Button } from "../shell/Button";
import { Key, useKey, useLabelKeys } from "../shell/Key";
import { usePageKeys } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { useStore } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import type { Board, Shown } from "./board";
import { GridRow } from "./GridRow";
import css from "./grid.module.css";
import { questionOf } from "./instructions";
import { type Ears, listenToGrid } from "./listen";
import { ModeSwitch } from "./ModeSwitch";
import { NotCountedRow } from "./NotCounted";
import { Nothing } from "./Nothing";
import type { Session } from "./session";
import type { Row } from "./suggestions";
import type { View } from "./view";

const LEAST_TILE_PX = 150;
const GAP_PX = 8;
const MOST_COLUMNS = 8;
const FEWEST_IN_ROW = 6;

interface GridProps {
  session: Session;
  board: Board;
  ears: Ears;
}

/** Rows of what the detector suggests: what is not so is marked, and the rest of a row voted at once. */
export function Grid({ session, board, ears }: GridProps) {
  usePageKeys("grid");
  const view = useStore(session.view);
  const shown = useStore(board.shown);
  useEffect(() => board.open(), [board]);
  useEffect(() => listenToGrid(session, board, ears), [session, board, ears]);
  const page = useRef<HTMLDivElement>(null);
  useColumns(page, board);
  useFocus(page, shown.at);
  return (
    <div ref={page} className={css.page}>
      <Head session={session} view={view} board={board} ears={ears} />
      <p className={css.notice} role="status">
        {view.notice}
      </p>
      <NotCountedRow />
      {shown.rows.length === 0 ? (
        <Without session={session} view={view} ears={ears} />
      ) : (
        <Rows shown={shown} board={board} />
      )}
      <p className={css.unseen} aria-live="polite">
        {shown.said}
      </p>
    </div>
  );
}

function Head({ view, board, ears }: GridProps & { view: View }) {
  return (
    <header className={css.head}>
      <div className={css.ask}>
        <h1>{questionOf(view.lease?.instructions ?? null).question}</h1>
        <p>{texts.grid.how}</p>
      </div>
      <p className={css.hints}>
        <span>
          <kbd>←</kbd>
          <kbd>→</kbd> {texts.grid.move}
        </span>
        <span>
          <Key act="mark" /> {texts.grid.mark}
        </span>
      </p>
      <Button isCompact onClick={() => void board.undo()} disabled={view.past.length === 0}>
        {texts.undo}
        <Key act="undo" />
      </Button>
      <ModeSwitch mode="grid" change={ears.change} />
    </header>
  );
}

function Rows({ shown, board }: { shown: Shown; board: Board }) {
  const keys = useLabelKeys();
  const all = useKey("voteAll");
  const count = shown.rows.reduce((sum, row) => sum + row.tiles.filter(isLeft(shown)).length, 0);
  return (
    <>
      {shown.rows.map((row) => (
        <GridRow
          key={row.label}
          row={row}
          hint={keys[row.tiles[0]?.lease.labels.indexOf(row.label) ?? -1]}
          shown={shown}
          board={board}
        />
      ))}
      {shown.rows.length > 1 && (
        <footer className={css.foot}>
          <Button isCompact onClick={() => board.vote()} aria-keyshortcuts={all}>
            {texts.grid.voteAll(count)}
            <Key act="voteAll" />
          </Button>
        </footer>
      )}
    </>
  );
}

function isLeft({ marked }: Shown) {
  return ({ lease }: Row["tiles"][number]) => !marked.has(lease.subtask_id);
}

/** Why there is no row. */
function Without({ session, view, ears }: Omit<GridProps, "board"> & { view: View }) {
  if (view.phase === "starting") return <Loading />;
  if (view.phase === "failed") return <Failure error={view.error} retry={() => session.look()} />;
  if (!view.lease) return <Nothing session={session} />;
  return (
    <Empty title={texts.grid.none} action={<Button onClick={() => ears.change("one")}>{texts.grid.oneByOne}</Button>}>
      {texts.grid.noneDetail}
    </Empty>
  );
}

/** As many columns as the page is wide; a row takes several lines where they are few. */
function useColumns(page: React.RefObject<HTMLElement | null>, board: Board): void {
  useLayoutEffect(() => {
    const element = page.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const fit = Math.floor((element.clientWidth + GAP_PX) / (LEAST_TILE_PX + GAP_PX));
      const columns = Math.min(Math.max(fit, 2), MOST_COLUMNS);
      element.style.setProperty("--columns", String(columns));
      board.setLength(columns * Math.ceil(FEWEST_IN_ROW / columns));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [page, board]);
}

/** The browser's focus follows the picture that keys act on, unless it is somewhere else on the page. */
function useFocus(page: React.RefObject<HTMLElement | null>, at: string | null): void {
  useEffect(() => {
    const active = document.activeElement;
    if (at === null || (active !== document.body && !page.current?.contains(active))) return;
    page.current?.querySelector<HTMLElement>("[data-at]")?.focus();
  }, [page, at]);
}
