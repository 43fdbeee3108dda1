import { type KeyboardEvent, useEffect, useRef } from "react";
import { Boxed } from "../marks/Boxed";
import { Icon } from "../marks/Icon";
import { Mark } from "../marks/Mark";
import { Button, IconButton } from "../shell/Button";
import { prefs } from "../shell/prefs";
import { Empty, Failure, Loading } from "../shell/States";
import { stepOf } from "../shell/shortcuts";
import { useNames } from "../shell/useNames";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { moment, tasks } from "../texts/en.tasks";
import css from "./drawer.module.css";
import { MadeOf } from "./MadeOf";
import type { Task } from "./streams";
import { markOf, saidOf, shownAs, tallyOf } from "./Tile";
import { type Image, useVotes } from "./useImages";

const texts = tasks.drawer;

interface DrawerProps {
  task: Task;
  id: string;
  /** From the grid; absent where the address was opened and the grid has not come to it. */
  image: Image | undefined;
  mayRemove: boolean;
  step: (by: number) => void;
  close: () => void;
  remove: () => void;
}

/** One image at the side of the grid: the picture, and, once it has ended, who voted for what. */
export function Drawer({ task, id, image, mayRemove, step, close, remove }: DrawerProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  const pressed = (event: KeyboardEvent) => {
    const by = stepOf(event);
    if (by) step(by);
  };
  return (
    <dialog ref={element} className={css.drawer} aria-labelledby="drawer-title" onClose={close} onKeyDown={pressed}>
      <header className={css.head}>
        <h2 id="drawer-title">{image?.filename ?? id}</h2>
        <IconButton name={texts.previous} onClick={() => step(-1)}>
          <Icon name="before" />
        </IconButton>
        <IconButton name={texts.next} onClick={() => step(1)}>
          <Icon name="after" />
        </IconButton>
        <IconButton name={texts.close} onClick={() => element.current?.close()}>
          <Icon name="cross" />
        </IconButton>
      </header>
      {image ? <Known task={task} image={image} /> : <Unknown task={task} id={id} />}
      {mayRemove && (
        <footer className={css.foot}>
          <Button look="danger" isCompact onClick={remove}>
            {texts.remove}
          </Button>
        </footer>
      )}
    </dialog>
  );
}

function Known({ task, image }: { task: Task; image: Image }) {
  const { boxes: areBoxesShown } = useStore(prefs);
  const { agreeing, against } = tallyOf(image);
  const named = useNames();
  const { prelabel } = image;
  return (
    <>
      <div className={css.picture}>
        {image.screen_url ? (
          <Boxed
            src={image.screen_url}
            alt={image.filename}
            width={image.width}
            height={image.height}
            boxes={areBoxesShown ? (prelabel?.objects ?? []) : []}
          />
        ) : (
          <p className={css.unmade}>{image.state === "failed" ? texts.unmade : texts.processing}</p>
        )}
      </div>
      <div className={css.facts}>
        <p className={css.state}>
          <Mark
            state={markOf(image)}
            needed={task.quorum.votes_required}
            agreeing={agreeing}
            against={against}
            size={22}
          />
          <strong>{saidOf(task, image)}</strong>
          {image.agreement !== null && <span>{texts.agreement(image.agreement)}</span>}
          <span className={css.size}>{texts.size(image.width, image.height)}</span>
        </p>
        {image.decided_by && image.decided_by !== "pipeline" && image.completed_at && (
          <p>{texts.decided(texts.decidedBy[image.decided_by] ?? image.decided_by, moment(image.completed_at))}</p>
        )}
        {image.by && image.reason && <p className={css.text}>{texts.by(named(image.by), image.reason)}</p>}
        <Said task={task} image={image} />
        {image.origin && <MadeOf task={task} image={image} origin={image.origin} />}
        {prelabel && (
          <section>
            <h3>{texts.detector}</h3>
            <p>
              {prelabel.label === null ? texts.noLabel : shownAs(task, prelabel.label)}
              {prelabel.confidence !== null && ` ${en.percent(prelabel.confidence)}`}
            </p>
          </section>
        )}
        {image.earlier.length > 0 && (
          <section>
            <h3>{texts.earlier}</h3>
            <ul>
              {image.earlier.map((before) => (
                <li key={before.revision}>
                  {texts.revision(before.revision)}, {moment(before.completed_at)}:{" "}
                  {before.label === null ? tasks.grid.disputed : shownAs(task, before.label)}
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </>
  );
}

/** Who said what of an image, or why nobody says anything. */
function Said({ task, image: { image_id, state, failure, decided_by } }: { task: Task; image: Image }) {
  if (state === "failed")
    return (
      <p className={css.wrong}>
        {texts.failed} {failure}
      </p>
    );
  if (state === "processing" || state === "derived") return <p>{texts.processing}</p>;
  if (state === "open") return <p>{texts.openDetail}</p>;
  return decided_by === "pipeline" ? null : <Votes task={task} id={image_id} />;
}

/** An image that the grid has not come to: what the platform says of it alone. */
function Unknown({ task, id }: { task: Task; id: string }) {
  const { data, error, refetch } = useVotes(id, true);
  if (error) return <Failure error={error} retry={refetch} />;
  if (!data) return <Loading />;
  if (data.task_id !== task.id) return <Empty title={texts.gone}>{texts.goneDetail}</Empty>;
  return (
    <>
      <div className={css.picture}>
        <Boxed src={data.image_url} alt={id} boxes={[]} />
      </div>
      <div className={css.facts}>
        {data.state === "open" ? <p>{texts.openDetail}</p> : <Votes task={task} id={id} />}
      </div>
    </>
  );
}

function Votes({ task, id }: { task: Task; id: string }) {
  const { data, error, refetch } = useVotes(id, true);
  const named = useNames();
  if (error) return <Failure error={error} retry={refetch} />;
  if (!data) return <Loading />;
  return (
    <section>
      <h3>{texts.votes}</h3>
      {data.votes.length === 0 && <p>{texts.noVotes}</p>}
      <ul className={css.votes}>
        {data.votes.map((vote) => (
          <li key={vote.voter}>
            <strong>{vote.label === null ? texts.unsure : shownAs(task, vote.label)}</strong>
            <span>{named(vote.voter)}</span>
            <time dateTime={vote.at}>{moment(vote.at)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
