import { Link } from "wouter";
import { Mark, type MarkState } from "../marks/Mark";
import { tasks } from "../texts/en.tasks";
import css from "./grid.module.css";
import type { Task } from "./streams";
import type { Image } from "./useImages";

const texts = tasks.grid;

export function markOf(image: Image): MarkState {
  if (image.state !== "completed") return image.state;
  if (image.decided_by === "detector") return "detector";
  return image.decided_by === "adjudicator" || image.decided_by === "client" ? "adjudicator" : "settled";
}

/** How many voted for the winner, and how many did not; nothing of an image that is open. */
export function tallyOf(image: Image): { agreeing: number; against: number; all: number[] } {
  const all = Object.values(image.votes ?? {}).toSorted((one, other) => other - one);
  const sum = all.reduce((total, count) => total + count, 0);
  const agreeing = image.label === null ? 0 : (image.votes?.[image.label] ?? 0);
  return { agreeing, against: sum - agreeing, all };
}

/** How a label is shown: by the name that the client gave it, or as it is. */
export function shownAs(task: Task, label: string): string {
  return task.label_names[label] ?? label;
}

export function saidOf(task: Task, image: Image): string {
  if (image.state === "completed" && image.label !== null) return shownAs(task, image.label);
  return image.state === "open" ? texts.open : texts.disputed;
}

interface TileProps {
  task: Task;
  image: Image | undefined;
  href: string;
  isCurrent: boolean;
  index: number;
  lead: () => void;
}

export function Tile({ task, image, href, isCurrent, index, lead }: TileProps) {
  if (!image) return <div className={css.blank} aria-busy="true" />;
  const { agreeing, against, all } = tallyOf(image);
  const said = saidOf(task, image);
  return (
    <Link
      href={href}
      className={`${css.tile} ${css[image.state]}`}
      tabIndex={isCurrent ? 0 : -1}
      data-index={index}
      onFocus={lead}
      aria-label={texts.tile(image.filename, said)}
    >
      <img src={image.thumbnail_url} alt="" loading="lazy" decoding="async" width={image.width} height={image.height} />
      <span className={css.caption}>
        <Mark state={markOf(image)} needed={task.quorum.votes_required} agreeing={agreeing} against={against} />
        <b>{said}</b>
        {all.length > 0 && <span className={css.tally}>{texts.tally(all)}</span>}
      </span>
    </Link>
  );
}
