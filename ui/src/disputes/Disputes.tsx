import { useCallback, useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { serverNow } from "../api/client";
import { Boxed } from "../marks/Boxed";
import { Mark } from "../marks/Mark";
import { Button } from "../shell/Button";
import { usePageKeys } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { onKeys, pressedAct, pressedLabel } from "../shell/shortcuts";
import { en } from "../texts/en";
import { disputes as texts } from "../texts/en.disputes";
import { since } from "../texts/en.tasks";
import { Deciding } from "./Deciding";
import css from "./disputes.module.css";
import { type Dispute, disputedAt, standings } from "./standings";
import { useDisputes } from "./useDisputes";

const FETCHED_AHEAD = 3;

export default function Disputes() {
  const [query] = useSearchParams();
  const task = query.get("task");
  const { pages, waiting, decide } = useDisputes(task);
  const [again, setAgain] = useState<Dispute | null>(null);
  const [at, setAt] = useState(0);
  const [label, setLabel] = useState<string | null>(null);
  const [reason, setReason] = useState<string>(texts.reasons[0] ?? "");
  const reasonField = useRef<HTMLInputElement>(null);
  const position = Math.min(at, Math.max(waiting.length - 1, 0));
  const current = again ?? waiting[position];
  const isReady = current !== undefined && label !== null && reason.trim() !== "";

  const choose = useCallback((chosen: number) => {
    setAt(chosen);
    setAgain(null);
    setLabel(null);
  }, []);
  const go = () => {
    if (!isReady) return;
    decide.mutate({ dispute: current, label, reason: reason.trim() });
    setAgain(null);
    setLabel(null);
    reasonField.current?.blur();
  };
  const pressed = (key: string, event: KeyboardEvent): boolean => {
    const isOnButton = event.target instanceof HTMLElement && event.target.matches("button, a");
    const act = pressedAct("disputes", key);
    const chosen = current ? pressedLabel(key, current.labels) : null;
    if (chosen !== null) setLabel(chosen);
    else if (act === "decide" && isReady && !isOnButton) go();
    else if (act === "next") choose(Math.min(position + 1, waiting.length - 1));
    else if (act === "previous") choose(Math.max(position - 1, 0));
    else if (act === "reason") reasonField.current?.select();
    else return false;
    return true;
  };
  const latest = useRef(pressed);
  latest.current = pressed;
  useEffect(() => onKeys((key, event) => latest.current(key, event)), []);
  usePageKeys("disputes");
  useAhead(waiting.slice(position + 1, position + 1 + FETCHED_AHEAD).map(({ screen_url }) => screen_url));
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  const { hasNextPage, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && waiting.length - position < 10) void fetchNextPage();
  }, [hasNextPage, fetchNextPage, waiting.length, position]);

  if (pages.error) return <Failure error={pages.error} retry={() => pages.refetch()} />;
  if (pages.isPending) return <Loading />;
  return (
    <div className={css.page}>
      <h1 className={css.title}>
        {texts.title} <span>{texts.waiting(waiting.length, pages.hasNextPage)}</span>
        {task && (
          <Link href="/disputes" className={css.all}>
            {texts.onlyTask} {texts.allTasks}
          </Link>
        )}
      </h1>
      {current ? (
        <div className={css.columns}>
          <Queue waiting={waiting} current={current.id} choose={choose} />
          <div className={css.picture}>
            <p className={css.crumb}>
              {current.filename && <span>{texts.crumb(current.filename)}</span>}
              <Link href={`/tasks/${current.task_id}`}>{texts.task}</Link>
            </p>
            <Boxed
              src={waiting[position] === current ? waiting[position].screen_url : current.image_url}
              alt={texts.picture}
              boxes={[]}
            />
          </div>
          <Deciding
            dispute={current}
            label={label}
            reason={reason}
            reasonField={reasonField}
            isReady={isReady}
            choose={setLabel}
            say={setReason}
            go={go}
          />
        </div>
      ) : (
        <Empty title={texts.none}>{texts.noneDetail}</Empty>
      )}
      <div className={css.toast} role="status">
        {decide.error && <p className={css.wrong}>{decide.error.message}</p>}
        {decide.isSuccess && decide.variables && (
          <p>
            {texts.decided(shown(decide.variables.dispute, decide.variables.label))}{" "}
            <Button
              isCompact
              onClick={() => {
                setAgain(decide.variables.dispute);
                setLabel(null);
                document.getElementById("decide")?.focus();
              }}
            >
              {texts.again}
            </Button>
          </p>
        )}
      </div>
    </div>
  );
}

export function shown(dispute: Dispute, label: string): string {
  return dispute.label_names[label] ?? label;
}

interface QueueProps {
  waiting: readonly (Dispute & { thumbnail_url: string })[];
  current: string;
  choose: (position: number) => void;
}

function Queue({ waiting, current, choose }: QueueProps) {
  return (
    <ol className={css.queue} aria-label={texts.queue}>
      {waiting.map((dispute, position) => {
        const { people, unsure } = standings(dispute);
        const tally = [...people.map(({ votes }) => votes.length), ...(unsure.length > 0 ? [unsure.length] : [])];
        const at = disputedAt(dispute);
        return (
          <li key={dispute.id}>
            <button type="button" aria-current={dispute.id === current} onClick={() => choose(position)}>
              <img src={dispute.thumbnail_url} alt={texts.image(position + 1)} loading="lazy" decoding="async" />
              <span>
                <Mark state="disputed" needed={tally.length} against={tally.length} size={16} />
                {texts.tally(tally)}
                <small>{at && since(at, serverNow())}</small>
              </span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** Fetches the pictures that come next, so that a decision shows the next one at once. */
function useAhead(urls: readonly string[]): void {
  const held = useRef<HTMLImageElement[]>([]);
  const wanted = urls.join("\n");
  useEffect(() => {
    held.current = wanted
      .split("\n")
      .filter(Boolean)
      .map((url) => Object.assign(new Image(), { src: url }));
  }, [wanted]);
}
