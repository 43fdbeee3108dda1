import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Link, useLocation, useParams, useSearchParams } from "wouter";
import { Icon } from "../marks/Icon";
import { Mark } from "../marks/Mark";
import { Menu, type MenuItem } from "../shell/Menu";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { usePageShortcuts } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { onKeys, type Shortcut } from "../shell/shortcuts";
import { en } from "../texts/en";
import { moment, tasks } from "../texts/en.tasks";
import { UploadPanel } from "../upload/UploadPanel";
import { AddPictures } from "./AddPictures";
import { Bar } from "./Bar";
import { type Deed, DeedDialog, deedsOf } from "./Deeds";
import { Drawer } from "./Drawer";
import { ImageGrid } from "./ImageGrid";
import { isOver, type Task } from "./streams";
import css from "./task.module.css";
import { type Filter, type ImageState, useImages } from "./useImages";
import { useTask } from "./useTask";

const texts = tasks.page;
const STATES = [null, "open", "completed", "disputed"] as const;

const SHORTCUTS: readonly Shortcut[] = [
  { keys: ["j", "k"], what: texts.keys.move },
  { keys: ["Enter"], what: texts.keys.open },
  { keys: ["1", "2", "3", "4"], what: texts.keys.states },
  { keys: ["f"], what: texts.keys.filter },
  { keys: ["x"], what: texts.keys.exports },
  { keys: ["l"], what: texts.keys.label },
];

export default function TaskPage() {
  const { task: id = "" } = useParams();
  const { data: task, error, refetch, isStreamed } = useTask(id);
  useEffect(() => {
    if (task) document.title = en.title(task.name);
  }, [task]);
  if (task?.state === "cancelled") return <Empty title={texts.erased}>{texts.erasedDetail}</Empty>;
  if (task) return <Shown task={task} isStreamed={isStreamed} />;
  return error ? <Failure error={error} retry={refetch} /> : <Loading />;
}

function Shown({ task, isStreamed }: { task: Task; isStreamed: boolean }) {
  const me = useMe();
  const mayEdit = may(me, "edit-tasks");
  const [deed, setDeed] = useState<Deed | null>(null);
  const [isAdding, setAdding] = useState(false);
  const { filter, change } = useFilter();
  useTaskKeys(task, (state) => change({ state }));
  usePageShortcuts(SHORTCUTS);
  const isEmpty = task.counts.images === 0;
  return (
    <div className={css.page}>
      <Head task={task} isStreamed={isStreamed} ask={setDeed} add={() => setAdding(true)} />
      <Progress task={task} />
      {task.instructions && (
        <details className={css.instructions}>
          <summary>{texts.instructions}</summary>
          <p>{task.instructions}</p>
        </details>
      )}
      <UploadPanel task={task.id} />
      {mayEdit && task.state === "open" && (isAdding || isEmpty) && <AddPictures task={task} />}
      {isEmpty ? (
        <Empty title={tasks.grid.empty}>{task.state === "open" && tasks.grid.emptyDetail}</Empty>
      ) : (
        <Images
          key={`${filter.state} ${filter.label}`}
          task={task}
          filter={filter}
          change={change}
          mayEdit={mayEdit}
          ask={setDeed}
        />
      )}
      {deed && <DeedDialog task={task} deed={deed} close={() => setDeed(null)} />}
    </div>
  );
}

interface HeadProps {
  task: Task;
  isStreamed: boolean;
  ask: (deed: Deed) => void;
  add: () => void;
}

function Head({ task, isStreamed, ask, add }: HeadProps) {
  const me = useMe();
  const exports = me.exports.map((form) => ({
    name: texts.exportAs[form] ?? form,
    href: `/api/tasks/${encodeURIComponent(task.id)}/export?format=${encodeURIComponent(form)}`,
  }));
  const actions: MenuItem[] = deedsOf(task).map((deed) => ({
    name: texts[deed],
    isDangerous: deed === "erase",
    act: () => ask(deed),
  }));
  if (task.state === "open") actions.unshift({ name: texts.add, act: add });
  return (
    <header className={css.head}>
      <div>
        <nav className={css.path} aria-label={texts.path}>
          <Link href="/tasks">{tasks.board.title}</Link> / <span>{task.id.slice(0, 8)}</span>
        </nav>
        <h1>
          <span>{task.name}</span>
          <span className={css.pill}>
            {task.state === "sealed" && <Icon name="lock" size={14} />}
            {tasks.states[task.state]}
          </span>
        </h1>
        <p className={css.about}>
          {texts.policy[task.quorum.stop](task.quorum.votes_required)} {texts.detector[task.detector.mode]}{" "}
          {texts.about(task.owner, moment(task.created_at))}
        </p>
      </div>
      <div className={css.actions}>
        {!isOver(task) && <span className={css.live}>{isStreamed ? tasks.live.live : tasks.live.polled}</span>}
        <Menu id="export" items={exports}>
          <Icon name="download" />
          {texts.exports}
          <Icon name="down" />
        </Menu>
        {may(me, "label") && task.counts.open > 0 && (
          <Link href={`/label/${task.id}`} className={css.primary}>
            {texts.label}
          </Link>
        )}
        {may(me, "edit-tasks") && actions.length > 0 && (
          <Menu id="more" name={texts.more} items={actions}>
            <Icon name="more" />
          </Menu>
        )}
      </div>
    </header>
  );
}

function Progress({ task }: { task: Task }) {
  const { completed, disputed, open } = task.counts;
  const needed = task.quorum.votes_required;
  return (
    <section className={css.progress} aria-label={texts.progressName}>
      <Bar counts={task.counts} />
      <dl>
        <Count name={texts.settled} count={completed}>
          <Mark state="settled" needed={needed} agreeing={needed} size={20} />
        </Count>
        <Count name={texts.disputed} count={disputed}>
          <Mark state="disputed" needed={needed} against={needed} size={20} />
        </Count>
        <Count name={texts.open} count={open}>
          <Mark state="open" needed={needed} agreeing={1} size={20} />
        </Count>
        {disputed > 0 && (
          <Link href={`/disputes?task=${task.id}`} className={css.decide}>
            {texts.decide}
          </Link>
        )}
      </dl>
    </section>
  );
}

function Count({ name, count, children }: { name: string; count: number; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        <span>{en.number(count)}</span>
      </dd>
    </div>
  );
}

interface ImagesProps {
  task: Task;
  filter: Filter;
  change: (filter: Partial<Filter>) => void;
  mayEdit: boolean;
  ask: (deed: Deed) => void;
}

function Images({ task, filter, change, mayEdit, ask }: ImagesProps) {
  const images = useImages(task.id, filter, !isOver(task));
  const [, navigate] = useLocation();
  const [query] = useSearchParams();
  const opened = /^images\/(.+)$/.exec(useParams()["*"] ?? "")?.[1];
  const search = query.size > 0 ? `?${query}` : "";
  const hrefOf = (image: string) => `/tasks/${task.id}/images/${image}${search}`;
  const place = opened ? images.find(opened) : -1;
  const step = (by: number) => {
    const next = place >= 0 ? images.at(place + by) : undefined;
    if (next) navigate(hrefOf(next.image_id), { replace: true });
  };
  return (
    <>
      <Filters task={task} filter={filter} change={change} />
      <ImageGrid task={task} images={images} hrefOf={hrefOf} />
      {opened && (
        <Drawer
          task={task}
          id={opened}
          image={images.at(place)}
          mayRemove={mayEdit}
          step={step}
          close={() => navigate(`/tasks/${task.id}${search}`)}
          remove={() => ask({ remove: opened })}
        />
      )}
    </>
  );
}

function Filters({ task, filter, change }: Omit<ImagesProps, "mayEdit" | "ask">) {
  const { images, open, completed, disputed } = task.counts;
  const counts = { all: images, open, completed, disputed };
  return (
    <div className={css.filters}>
      <fieldset className={css.states} aria-label={tasks.grid.state}>
        {STATES.map((state) => (
          <button key={state} type="button" aria-pressed={filter.state === state} onClick={() => change({ state })}>
            {tasks.grid.states[state ?? "all"]} <b>{en.number(counts[state ?? "all"])}</b>
          </button>
        ))}
      </fieldset>
      <select
        id="filter"
        aria-label={tasks.grid.label}
        value={filter.label ?? ""}
        onChange={(event) => change({ label: event.target.value || null })}
      >
        <option value="">{tasks.grid.anyLabel}</option>
        {task.labels.map((label) => (
          <option key={label} value={label}>
            {task.label_names[label] ?? label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The filter of the grid, which is in the address. */
function useFilter() {
  const [query, setQuery] = useSearchParams();
  const state = STATES.find((one) => one === query.get("state")) ?? null;
  const label = query.get("label");
  const filter = useMemo<Filter>(() => ({ state, label }), [state, label]);
  const change = (part: Partial<Filter>) => {
    const wanted = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== null);
    setQuery(new URLSearchParams(wanted as [string, string][]), { replace: true });
  };
  return { filter, change };
}

function useTaskKeys(task: Task, show: (state: ImageState | null) => void) {
  const [, navigate] = useLocation();
  useEffect(
    () =>
      onKeys((key) => {
        const state = STATES[Number(key) - 1];
        if (state !== undefined) show(state);
        else if (key === "x") document.getElementById("export")?.click();
        else if (key === "f") document.getElementById("filter")?.focus();
        else if (key === "l") navigate(`/label/${task.id}`);
        else if (key === "j") document.querySelector<HTMLElement>("[data-index][tabindex='0']")?.focus();
        else return false;
        return true;
      }),
    [task.id, show, navigate],
  );
}
