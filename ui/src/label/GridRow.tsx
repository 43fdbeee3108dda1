import { useId } from "react";
import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { Key } from "../shell/Key";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import type { Board, Shown } from "./board";
import css from "./grid.module.css";
import { timeLeft } from "./leases";
import { choicesOf, type Row, type Suggested } from "./suggestions";

const NEAR_END_MS = 60_000;

interface GridRowProps {
  row: Row;
  /** The label's key, where it has one. */
  hint: string | undefined;
  shown: Shown;
  board: Board;
}

/** The pictures that the detector gives one label; the keyboard stops once at each row. */
export function GridRow({ row, hint, shown, board }: GridRowProps) {
  const { label, tiles } = row;
  const id = useId();
  const name = tiles[0]?.lease.label_names[label] ?? label;
  const isCurrent = tiles.some(({ lease }) => lease.subtask_id === shown.at);
  const stop = isCurrent ? shown.at : tiles[0]?.lease.subtask_id;
  const left = choicesOf(row, shown.marked).length;
  return (
    <section className={css.row} aria-labelledby={id}>
      <header>
        <h2 id={id}>
          {hint && <kbd>{hint}</kbd>}
          {name}
        </h2>
        <p>{texts.grid.says}</p>
        <Ends tiles={tiles} />
        <p className={css.count}>{texts.grid.count(left, tiles.length, row.more)}</p>
        {/* Not a stop of the keyboard: Enter votes the row wherever the focus is. */}
        <Button isCompact look={isCurrent ? "primary" : "plain"} tabIndex={-1} onClick={() => board.vote([row])}>
          {texts.grid.vote(name, left)}
          {isCurrent && <Key act="voteRow" />}
        </Button>
      </header>
      <div role="grid" aria-labelledby={id} aria-multiselectable="true" aria-colcount={tiles.length}>
        <div role="row" className={css.tiles}>
          {tiles.map((tile, index) => (
            <Tile
              key={tile.lease.subtask_id}
              tile={tile}
              name={name}
              position={index + 1}
              isMarked={shown.marked.has(tile.lease.subtask_id)}
              isAt={tile.lease.subtask_id === shown.at}
              isStop={tile.lease.subtask_id === stop}
              board={board}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

interface TileProps {
  tile: Suggested;
  name: string;
  position: number;
  isMarked: boolean;
  isAt: boolean;
  isStop: boolean;
  board: Board;
}

function Tile({ tile: { lease, confidence }, name, position, isMarked, isAt, isStop, board }: TileProps) {
  const id = lease.subtask_id;
  return (
    <div
      role="gridcell"
      className={css.tile}
      aria-selected={!isMarked}
      aria-colindex={position}
      data-id={id}
      data-at={isAt || undefined}
      tabIndex={isStop ? 0 : -1}
      onFocus={() => board.focus(id)}
      onClick={() => board.mark(id)}
    >
      <img
        src={lease.thumbnail_url}
        alt={texts.grid.picture(position)}
        decoding="async"
        draggable={false}
        onError={() => board.setAside(id)}
      />
      <span className={css.sure}>{en.percent(confidence)}</span>
      {isMarked && (
        <span className={css.not}>
          <Icon name="cross" size={14} />
          {texts.grid.not(name)}
        </span>
      )}
    </div>
  );
}

/** When the row's time is nearly up. */
function Ends({ tiles }: { tiles: Row["tiles"] }) {
  const ms = timeLeft(tiles.map(({ lease }) => lease));
  if (ms === null || ms > NEAR_END_MS) return null;
  return (
    <p className={css.ends}>
      <Icon name="clock" size={14} />
      {texts.grid.ends(texts.clock(ms))}
    </p>
  );
}
