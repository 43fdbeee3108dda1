import { useEffect, useRef, useState } from "react";
import { useLocation, useParams } from "wouter";
import { useMe } from "../shell/me";
import { usePageKeys } from "../shell/pageShortcuts";
import { Empty, Failure, Loading } from "../shell/States";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { recognise as texts } from "../texts/en.recognise";
import { DropZone } from "../upload/DropZone";
import { noSelection, select } from "../upload/selection";
import { type Source, walkFiles } from "../upload/walk";
import { JobDialog } from "./JobDialog";
import { JobList } from "./JobList";
import css from "./recognise.module.css";
import { Submitting } from "./Submitting";
import { submission, submit } from "./submissions";
import { type Job, useChanged, useJobs } from "./useJobs";

/** Single pictures for the model: submitted, looked at and answered, each as a job. */
export default function Recognise() {
  const { job } = useParams();
  const [, navigate] = useLocation();
  const me = useMe();
  const list = useJobs();
  const { jobs } = list;
  usePageKeys("recognise");
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  const isEmpty = list.data !== undefined && jobs.length === 0;
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{texts.title}</h1>
        {jobs.length > 0 && <Counts jobs={jobs} isMore={list.hasNextPage} />}
        <p>{texts.about}</p>
      </header>
      {me.detector ? <Take /> : !isEmpty && <p className={css.without}>{texts.noModelShort}</p>}
      {list.error && jobs.length === 0 && <Failure error={list.error} retry={() => list.refetch()} />}
      {list.isPending && <Loading />}
      {isEmpty && me.detector && <Empty title={texts.none}>{texts.noneDetail}</Empty>}
      {isEmpty && !me.detector && (
        <Empty title={texts.noModel}>
          {texts.noModelDetail} <code>{texts.command}</code>
        </Empty>
      )}
      {jobs.length > 0 && (
        <JobList jobs={jobs} isMore={list.hasNextPage} more={() => !list.isFetchingNextPage && list.fetchNextPage()} />
      )}
      {job && <JobDialog id={job} known={jobs.find(({ id }) => id === job)} close={() => navigate("/recognise")} />}
    </div>
  );
}

const STATES = ["waiting", "finished", "failed"] as const;

/** How many jobs stand how, of those that are loaded. */
function Counts({ jobs, isMore }: { jobs: readonly Job[]; isMore: boolean }) {
  const counted = STATES.map((state) => [state, jobs.filter((job) => job.state === state).length] as const);
  return (
    <ul className={css.counts} aria-live="polite">
      {counted.map(([state, count]) => count > 0 && <li key={state}>{texts[state](count, isMore)}</li>)}
    </ul>
  );
}

/** Where pictures come in: dropped, chosen or pasted. */
function Take() {
  const { limits } = useMe();
  const { readAgain } = useChanged();
  const now = useStore(submission);
  const [isLooking, setLooking] = useState(false);
  const take = async (sources: AsyncIterable<Source> | Iterable<Source>) => {
    setLooking(true);
    const chosen = noSelection();
    await select(chosen, sources, limits, () => undefined);
    setLooking(false);
    if (chosen.ready.length + chosen.refused.length > 0) submit(chosen);
  };
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const pasted = ({ clipboardData }: ClipboardEvent) => {
      const files = [...(clipboardData?.files ?? [])];
      if (files.length > 0) void latest.current(walkFiles(files));
    };
    addEventListener("paste", pasted);
    return () => removeEventListener("paste", pasted);
  }, []);
  return (
    <>
      <DropZone take={take} title={texts.drop} detail={texts.detail} />
      {isLooking && <Loading />}
      {now && <Submitting submission={now} changed={readAgain} />}
    </>
  );
}
