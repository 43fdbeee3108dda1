import { lazy, type ReactNode, Suspense, useDeferredValue, useEffect, useState } from "react";
import { Link, useLocation, useParams, useSearchParams } from "wouter";
import { ApiProblem } from "../api/client";
import { Imports } from "../imports/Imports";
import { Icon } from "../marks/Icon";
import { Mark } from "../marks/Mark";
import button from "../shell/button.module.css";
import { Menu, type MenuItem } from "../shell/Menu";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { online } from "../shell/online";
import { usePageKeys } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { onKeys, pressedAct } from "../shell/shortcuts";
import { useNames } from "../shell/useNames";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { consensus } from "../texts/en.consensus";
import { pipeline } from "../texts/en.pipeline";
import { moment, tasks } from "../texts/en.tasks";
import { UploadPanel } from "../upload/UploadPanel";
import { AddPictures } from "./AddPictures";
import { Bar } from "./Bar";
import consensusCss from "./consensus.module.css";
import { type Deed, DeedDialog, deedsOf } from "./Deeds";
import { Drawer } from "./Drawer";
import { exportsOf } from "./exports";
import { Filters } from "./Filters";
import { type Filter, type ShownState, statesOf, useFilter } from "./filter";
import { ImageGrid } from "./ImageGrid";
import { InvitedTo } from "./Operators";
import { Panels } from "./Panels";
import { isOver, type Task } from "./streams";
import css from "./task.module.css";
import { useImages } from "./useImages";
import { useTask } from "./useTask";

const texts = tasks.page;
const Consensus = lazy(() => import("./Consensus"));

export default function TaskPage() {
  const { task: id = "" } = useParams();
  const { data: task, error, refetch, isStreamed } = useTask(id);
  useEffect(() => {
    if (task) document.title = en.title(task.name);
  }, [task]);
  const board = (
    <Link href="/tasks" className={button.button}>
      {texts.board}
    </Link>
  );
  if (task?.state === "cancelled") {
    return (
      <Empty title={texts.erased} action={board}>
        {texts.erasedDetail}
      </Empty>
    );
  }
  if (task) return <Shown task={task} isStreamed={isStreamed} />;
  if (error instanceof ApiProblem && error.status === 404) {
    return (
      <Empty title={texts.noneSuch} action={board}>
        {texts.noneSuchDetail}
      </Empty>
    );
  }
  return error ? <Failure error={error} retry={refetch} /> : <Loading />;
}

function Shown({ task, isStreamed }: { task: Task; isStreamed: boolean }) {
  const me = useMe();
  const mayEdit = may(me, "edit-tasks");
  const [deed, setDeed] = useState<Deed | null>(null);
  const [isAdding, setAdding] = useState(false);
  const { filter, change } = useFilter();
  useTaskKeys(task, (state) => change({ state }));
  usePageKeys("task");
  // First the head of the page; what stands below follows in small steps, for in one it would hold up the page's thread.
  const isWhole = useDeferredValue(true, false);
  const isEmpty = useDeferredValue(task.counts.images === 0);
  const isLabeled = task.quorum.votes_required > 0;
  const isConsensus = useParams()["*"] === "consensus" && isLabeled && may(me, "estimate");
  const mayAdd = mayEdit && task.state === "open";
  return (
    <div className={css.page}>
      <Head task={task} isStreamed={isStreamed} ask={setDeed} add={() => setAdding(true)} />
      <Progress task={task} />
      {isWhole && (
        <>
          {task.instructions && (
            <details className={css.instructions}>
              <summary>{texts.instructions}</summary>
              <p>{task.instructions}</p>
            </details>
          )}
          <UploadPanel task={task.id} add={mayAdd && !isAdding && !isEmpty ? () => setAdding(true) : null} />
          {mayEdit && <Imports task={task.id} mayImport={mayAdd} />}
          {mayAdd && (isAdding || isEmpty) && <AddPictures task={task} />}
          {isEmpty && task.state !== "open" && <Empty title={tasks.grid.empty} />}
          {!isEmpty && isLabeled && may(me, "estimate") && <Tabs task={task} isConsensus={isConsensus} />}
          {!isEmpty && isConsensus && (
            <Suspense fallback={<Loading />}>
              <Consensus task={task} />
            </Suspense>
          )}
          {!isEmpty && !isConsensus && (
            <>
              {isLabeled && <Panels task={task} filter={filter} change={change} />}
              <Filters task={task} filter={filter} change={change} />
              <Images key={JSON.stringify(filter)} task={task} filter={filter} mayEdit={mayEdit} ask={setDeed} />
            </>
          )}
        </>
      )}
      {deed && <DeedDialog task={task} deed={deed} close={() => setDeed(null)} />}
    </div>
  );
}

function Tabs({ task, isConsensus }: { task: Task; isConsensus: boolean }) {
  return (
    <nav className={consensusCss.tabs} aria-label={consensus.places}>
      <Link href={`/tasks/${task.id}`} aria-current={isConsensus ? undefined : "page"}>
        {consensus.images}
      </Link>
      <Link href={`/tasks/${task.id}/consensus`} aria-current={isConsensus ? "page" : undefined}>
        {consensus.tab}
      </Link>
    </nav>
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
  const isOnline = useStore(online);
  const named = useNames();
  const exports = exportsOf(task, me.exports).map(({ form, href }) => ({ name: texts.exportAs[form] ?? form, href }));
  const deeds = deedsOf(task).filter((deed) => may(me, deed === "invite" ? "invite-operators" : "edit-tasks"));
  const actions: MenuItem[] = deeds.map((deed) => ({
    name: texts[deed],
    isDangerous: deed === "erase",
    act: () => ask(deed),
  }));
  if (task.state === "open" && may(me, "edit-tasks")) actions.unshift({ name: texts.add, act: add });
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
          {task.pipeline && `${texts.pipeline(stepsOf(task.pipeline))} `}
          {task.quorum.votes_required === 0
            ? texts.unlabeled
            : `${texts.policy[task.quorum.stop](task.quorum.votes_required)} ${texts.detector[task.detector.mode]}`}{" "}
          {texts.about(named(task.owner), moment(task.created_at))}{" "}
          {may(me, "edit-tasks") && (
            <button type="button" onClick={() => ask("edit")}>
              {texts.change}
            </button>
          )}
        </p>
        <InvitedTo task={task} ask={() => ask("invite")} />
      </div>
      <div className={css.actions}>
        {isOnline && !isOver(task) && (
          <span className={css.live}>{isStreamed ? tasks.live.live : tasks.live.polled}</span>
        )}
        {task.counts.images > 0 && (
          <Menu id="export" items={exports} isPrimary={task.state === "completed"}>
            <Icon name="download" />
            {texts.exports}
            <Icon name="down" />
          </Menu>
        )}
        {may(me, "label") && task.counts.open > 0 && (
          <Link href={`/label/${task.id}`} className={css.primary}>
            {texts.label}
          </Link>
        )}
        {actions.length > 0 && (
          <Menu id="more" name={texts.more} items={actions}>
            <Icon name="more" />
          </Menu>
        )}
      </div>
    </header>
  );
}

/** The names of a pipeline's steps, in order. */
function stepsOf({ operations }: NonNullable<Task["pipeline"]>): string[] {
  return operations.map(([name]) => pipeline.operation(String(name)).toLowerCase());
}

function Progress({ task }: { task: Task }) {
  const { completed, disputed, open, processing, failed } = task.counts;
  const needed = task.quorum.votes_required;
  return (
    <section className={css.progress} aria-label={texts.progressName}>
      <Bar counts={task.counts} />
      <div>
        <dl>
          <Count name={needed > 0 ? texts.settled : texts.done} count={completed}>
            <Mark state="settled" needed={needed} agreeing={needed} size={20} />
          </Count>
          {needed > 0 && (
            <>
              <Count name={texts.disputed} count={disputed}>
                <Mark state="disputed" needed={needed} against={needed} size={20} />
              </Count>
              <Count name={texts.open} count={open}>
                <Mark state="open" needed={needed} agreeing={needed > 1 ? 1 : 0} size={20} />
              </Count>
            </>
          )}
          {(processing > 0 || needed === 0) && (
            <Count name={texts.processing} count={processing}>
              <Mark state="processing" needed={1} size={20} />
            </Count>
          )}
          {failed > 0 && (
            <Count name={texts.failed} count={failed}>
              <Mark state="failed" needed={1} size={20} />
            </Count>
          )}
        </dl>
        {disputed > 0 && (
          <Link href={`/disputes?task=${task.id}`} className={css.decide}>
            {texts.decide}
          </Link>
        )}
      </div>
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
  mayEdit: boolean;
  ask: (deed: Deed) => void;
}

function Images({ task, filter, mayEdit, ask }: ImagesProps) {
  const images = useImages(task, filter);
  const [, navigate] = useLocation();
  const [query] = useSearchParams();
  const opened = /^images\/(.+)$/.exec(useParams()["*"] ?? "")?.[1];
  const search = query.size > 0 ? `?${query}` : "";
  const hrefOf = (image: string) => `/tasks/${task.id}/images/${image}${search}`;
  const close = () => navigate(`/tasks/${task.id}${search}`);
  const place = opened ? images.find(opened) : -1;
  const step = (by: number) => {
    const next = place >= 0 ? images.at(place + by) : undefined;
    if (next) navigate(hrefOf(next.image_id), { replace: true });
  };
  return (
    <>
      <ImageGrid task={task} images={images} hrefOf={hrefOf} />
      {opened && (
        <Drawer
          task={task}
          id={opened}
          image={images.at(place)}
          mayRemove={mayEdit}
          step={step}
          close={close}
          remove={() => {
            close();
            ask({ remove: opened });
          }}
        />
      )}
    </>
  );
}

function useTaskKeys(task: Task, show: (state: ShownState | null) => void) {
  const [, navigate] = useLocation();
  useEffect(
    () =>
      onKeys((key) => {
        const state = [null, ...statesOf(task)][Number(key) - 1];
        const act = pressedAct("task", key);
        if (state !== undefined) show(state);
        else if (act === "exports") document.getElementById("export")?.click();
        else if (act === "filter") document.getElementById("filter")?.focus();
        else if (act === "find") document.getElementById("find-file")?.focus();
        else if (act === "work") navigate(`/label/${task.id}`);
        else if (act === "next") document.querySelector<HTMLElement>("[data-index][tabindex='0']")?.focus();
        else return false;
        return true;
      }),
    [task, show, navigate],
  );
}
