import { Link } from "wouter";
import { Mark, type MarkState } from "../marks/Mark";
import { en } from "../texts/en";
import { tasks } from "../texts/en.tasks";
import css from "./grid.module.css";
import type { Task } from "./streams";
import type { Image } from "./useImages";

const texts = tasks.grid;

export function markOf(image: Image): MarkState {
  if (image.state === "derived") return "processing"; // others stand in its place in a moment
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
  if (image.state === "completed") return texts.doneOne;
  if (image.state === "failed" || image.state === "disputed" || image.state === "open") return texts[image.state];
  return texts.processing;
}

/** The winner's votes of all, the votes of each label where nobody won, or how sure the detector was. */
function standing(image: Image): string {
  const { agreeing, against, all } = tallyOf(image);
  if (image.decided_by === "detector") return en.percent(image.prelabel?.confidence ?? image.agreement ?? 1);
  if (all.length === 0) return "";
  return texts.tally(image.state === "completed" ? [agreeing, agreeing + against] : all);
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
  const { agreeing, against } = tallyOf(image);
  const said = saidOf(task, image);
  return (
    <Link
      href={href}
      className={`${css.tile} ${css[image.state]}`}
      tabIndex={isCurrent ? 0 : -1}
      data-index={index}
      onFocus={lead}
    >
      {image.thumbnail_url ? (
        <img
          src={image.thumbnail_url}
          alt={image.filename}
          loading="lazy"
          decoding="async"
          width={image.width}
          height={image.height}
        />
      ) : (
        <span className={css.blank} role="img" aria-label={image.filename} />
      )}
      <span className={css.caption}>
        <Mark state={markOf(image)} needed={task.quorum.votes_required} agreeing={agreeing} against={against} />
        <b>{said}</b>
        <span className={css.tally}>{standing(image)}</span>
      </span>
    </Link>
  );
}
