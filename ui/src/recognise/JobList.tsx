import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { blank } from "../marks/blank";
import { Icon } from "../marks/Icon";
import { Mark, type MarkState } from "../marks/Mark";
import { IconButton } from "../shell/Button";
import { onKeys, pressedAct } from "../shell/shortcuts";
import { recognise as texts } from "../texts/en.recognise";
import { RemoveJob } from "./RemoveJob";
import css from "./recognise.module.css";
import type { Job } from "./useJobs";

const ROW_PX = 80;
const ROWS_AHEAD = 20;

export const MARKS: Readonly<Record<Job["state"], MarkState>> = {
  waiting: "processing",
  finished: "detector",
  failed: "failed",
};

interface JobListProps {
  jobs: readonly Job[];
  isMore: boolean;
  more: () => void;
}

/** Jobs, the newest first; only the rows near the screen are in the document. */
export function JobList({ jobs, isMore, more }: JobListProps) {
  const element = useRef<HTMLUListElement>(null);
  const [removed, setRemoved] = useState<Job | null>(null);
  const top = useTop(element);
  const virtual = useWindowVirtualizer({
    count: jobs.length,
    estimateSize: () => ROW_PX,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (index) => jobs[index]?.id ?? index,
  });
  const rows = virtual.getVirtualItems();
  const isNearEnd = (rows.at(-1)?.index ?? 0) >= jobs.length - ROWS_AHEAD;
  useEffect(() => {
    if (isMore && isNearEnd) more();
  }, [isMore, isNearEnd, more]);
  useListKeys(element);
  return (
    <>
      <ul ref={element} className={css.jobs} aria-label={texts.jobs} style={{ blockSize: virtual.getTotalSize() }}>
        {rows.map(({ index, key, start }) => {
          const job = jobs[index];
          return (
            job && (
              <li
                key={key}
                ref={virtual.measureElement}
                className={css.row}
                data-index={index}
                data-state={job.state}
                aria-posinset={index + 1}
                aria-setsize={isMore ? -1 : jobs.length}
                style={{ transform: `translateY(${start - top}px)` }}
              >
                <Row job={job} remove={() => setRemoved(job)} />
              </li>
            )
          );
        })}
      </ul>
      {removed && <RemoveJob job={removed} close={() => setRemoved(null)} />}
    </>
  );
}

function Row({ job, remove }: { job: Job; remove: () => void }) {
  return (
    <>
      <img
        src={job.thumbnail_url}
        alt=""
        loading="lazy"
        decoding="async"
        width={job.width ?? undefined}
        height={job.height ?? undefined}
        onError={blank}
      />
      <div className={css.what}>
        <Link href={`/recognise/${job.id}`} data-job={job.id} aria-label={texts.open(job.filename)}>
          {job.filename}
        </Link>
        <span className={css.stands}>
          <Mark state={MARKS[job.state]} needed={1} size={16} />
          {texts.states[job.state]}
        </span>
      </div>
      <Found job={job} />
      <IconButton name={texts.removeOne(job.filename)} onClick={remove}>
        <Icon name="bin" />
      </IconButton>
    </>
  );
}

/** The surest class and the others after it, or why there is none. */
function Found({ job }: { job: Job }) {
  const [first, ...others] = job.classes;
  if (job.state === "failed") return <p className={css.wrong}>{job.reason}</p>;
  if (job.state === "waiting") return <p className={css.found} />;
  if (!first) return <p className={css.found}>{texts.nothing}</p>;
  return (
    <div className={css.found}>
      <p>
        <i className={css.track}>
          <i className={css.bar} style={{ inlineSize: `${first.confidence * 100}%` }} />
        </i>
        <span className={css.share}>{texts.sure(first.confidence)}</span>
        <b>{first.label}</b>
      </p>
      {others.length > 0 && (
        <p className={css.others}>
          {others.map(({ label, confidence }) => (
            <span key={label}>
              {label} {texts.sure(confidence)}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

/** The keys that lead from job to job. */
function useListKeys(list: React.RefObject<HTMLElement | null>): void {
  useEffect(
    () =>
      onKeys((key) => {
        const act = pressedAct("recognise", key);
        if (act !== "next" && act !== "previous") return false;
        const links = [...(list.current?.querySelectorAll<HTMLElement>("a[data-job]") ?? [])];
        const at = links.indexOf(document.activeElement as HTMLElement);
        links[Math.max(at + (act === "next" ? 1 : -1), 0)]?.focus();
        return true;
      }),
    [list],
  );
}

/** Where an element begins on the page. */
function useTop(element: React.RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setTop((element.current?.getBoundingClientRect().top ?? 0) + scrollY);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body); // what stands above may grow
    return () => observer.disconnect();
  }, [element]);
  return top;
}
