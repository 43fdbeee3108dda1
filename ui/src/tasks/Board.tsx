import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { api, bodyOf, serverNow } from "../api/client";
import { Icon } from "../marks/Icon";
import { Mark } from "../marks/Mark";
import { Button } from "../shell/Button";
import { Key } from "../shell/Key";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { usePageKeys } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { onKeys, pressedAct } from "../shell/shortcuts";
import { useNames } from "../shell/useNames";
import { useSettled } from "../shell/useSettled";
import { en } from "../texts/en";
import { since, tasks } from "../texts/en.tasks";
import { UploadShare } from "../upload/UploadShare";
import { Bar, endedOf, ShareRing } from "./Bar";
import css from "./board.module.css";
import { isOver, type Task, type Watched } from "./streams";
import { useTask } from "./useTask";

const texts = tasks.board;
const SHOWN = ["unfinished", "completed", "all"] as const;
/** The states behind each tab; what was cancelled is shown nowhere. */
const STATES = { unfinished: "open,sealed", completed: "completed", all: "open,sealed,completed" } as const;
const TYPING_MS = 200;

interface Wanted {
  state: string;
  owner: "me" | null;
  /** What the name begins with. */
  q: string;
}

export default function Board() {
  const [query, setQuery] = useSearchParams();
  const shown = SHOWN.find((one) => one === query.get("state")) ?? "unfinished";
  const beginning = query.get("q") ?? "";
  const isMine = query.get("owner") === "me";
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const mayMake = may(useMe(), "make-tasks");
  const q = useSettled(beginning, TYPING_MS);
  const pages = useTaskPages({ state: STATES[shown], owner: isMine ? "me" : null, q });
  useBoardKeys(list, search);
  usePageKeys("tasks");
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  const filter = (change: Record<string, string>) => {
    setQuery((before) => new URLSearchParams({ ...Object.fromEntries(before), ...change }), { replace: true });
  };
  const found = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const isEmpty = pages.data !== undefined && found.length === 0;
  const isThereAny = useIsThereAny(isEmpty);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{texts.title}</h1>
        <fieldset className={css.tabs} aria-label={texts.shown}>
          {SHOWN.map((state) => (
            <button key={state} type="button" aria-pressed={state === shown} onClick={() => filter({ state })}>
              {texts.states[state]}
            </button>
          ))}
          <button type="button" aria-pressed={isMine} onClick={() => filter({ owner: isMine ? "" : "me" })}>
            {texts.mine}
          </button>
        </fieldset>
        <label className={css.find}>
          <Key act="find" />
          <input
            ref={search}
            type="search"
            value={beginning}
            maxLength={200}
            placeholder={texts.find}
            aria-label={texts.find}
            onChange={(event) => filter({ q: event.target.value })}
          />
        </label>
        {mayMake && (
          <Link href="/tasks/new" className={css.make}>
            <Icon name="plus" />
            {texts.make}
          </Link>
        )}
      </header>
      {pages.error && <Failure error={pages.error} retry={() => pages.refetch()} />}
      {pages.isPending && <Loading>{<Skeleton />}</Loading>}
      {isEmpty && isThereAny === false && <FirstSteps mayMake={mayMake} />}
      {isEmpty && isThereAny && (
        <Empty
          title={texts.noneSuch}
          action={<Button onClick={() => filter({ state: "all", owner: "", q: "" })}>{texts.showAll}</Button>}
        >
          {texts.noneSuchDetail}
        </Empty>
      )}
      <ul ref={list} className={css.rows} aria-label={texts.title}>
        {found.map((task) => (
          <Row key={task.id} shown={task} />
        ))}
      </ul>
      {pages.hasNextPage && (
        <Button className={css.older} disabled={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {texts.more}
        </Button>
      )}
    </div>
  );
}

function useTaskPages(wanted: Wanted) {
  return useInfiniteQuery({
    queryKey: ["tasks", wanted],
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...wanted, cursor: pageParam, limit: 100 };
      return bodyOf(await api.GET("/api/tasks", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
}

/** Whether there is any task, asked for where none is shown. */
function useIsThereAny(isAsked: boolean): boolean | undefined {
  const { data } = useQuery({
    queryKey: ["tasks", "any"],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/tasks", { params: { query: { state: STATES.all, limit: 1 } }, signal })),
    enabled: isAsked,
  });
  return data && data.items.length > 0;
}

function Row({ shown }: { shown: Task }) {
  const [element, isVisible] = useVisible();
  const { data } = useTask(shown.id, { shown, isWatched: isVisible && !isOver(shown) });
  const task: Watched = data ?? shown;
  const named = useNames();
  const { images, disputed } = task.counts;
  const ended = endedOf(task.counts);
  const rate = task.rates?.votes_per_minute ?? 0;
  return (
    <li ref={element} className={css.row}>
      <ShareRing counts={task.counts} />
      <div className={css.name}>
        <Link href={`/tasks/${task.id}`} data-task={task.id}>
          {task.name}
        </Link>
        <span className={css.state}>{tasks.states[task.state]}</span>
        <UploadShare task={task.id} />
      </div>
      <div className={css.numbers}>
        {disputed > 0 && (
          <span className={css.disputed}>
            <Mark state="disputed" needed={3} against={3} size={16} />
            {texts.disputed(disputed)}
          </span>
        )}
        {rate > 0 && <span>{texts.rate(rate)}</span>}
        <span title={texts.ended(ended, images)}>{texts.of(ended, images)}</span>
      </div>
      <Bar counts={task.counts} isThin />
      <p className={css.made}>{texts.madeBy(named(task.owner), since(task.created_at, serverNow()))}</p>
    </li>
  );
}

/** Whether an element is on the screen, or close to it. */
function useVisible() {
  const [isVisible, setVisible] = useState(false);
  const element = useRef<HTMLLIElement>(null);
  useEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const observer = new IntersectionObserver((entries) => setVisible(entries.some((entry) => entry.isIntersecting)));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [element, isVisible] as const;
}

function useBoardKeys(
  list: React.RefObject<HTMLUListElement | null>,
  search: React.RefObject<HTMLInputElement | null>,
) {
  const [, navigate] = useLocation();
  useEffect(
    () =>
      onKeys((key) => {
        const links = [...(list.current?.querySelectorAll<HTMLAnchorElement>("a[data-task]") ?? [])];
        const at = links.indexOf(document.activeElement as HTMLAnchorElement);
        const act = pressedAct("tasks", key);
        if (act === "make") navigate("/tasks/new");
        else if (act === "find") search.current?.focus();
        else if (act === "next") links[Math.min(at + 1, links.length - 1)]?.focus();
        else if (act === "previous") links[Math.max(at - 1, 0)]?.focus();
        else if (act === "work" && links[at]) navigate(`/label/${links[at].getAttribute("data-task")}`);
        else return false;
        return true;
      }),
    [list, search, navigate],
  );
}

function FirstSteps({ mayMake }: { mayMake: boolean }) {
  return (
    <section className={css.first}>
      <ol>
        {texts.steps.map((step, done) => (
          <li key={step}>
            <Mark state={done === 2 ? "settled" : "open"} needed={3} agreeing={done === 2 ? 3 : done} size={44} />
            <span>{step}</span>
          </li>
        ))}
      </ol>
      <h2>{texts.none}</h2>
      <p>{texts.noneDetail}</p>
      {mayMake && (
        <Link href="/tasks/new" className={css.make}>
          {texts.first}
        </Link>
      )}
    </section>
  );
}

function Skeleton() {
  return (
    <div className={css.skeleton}>
      <i />
      <i />
      <i />
    </div>
  );
}
