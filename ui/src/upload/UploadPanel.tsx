import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { useStore } from "../shell/useStore";
import { upload as uploadTexts } from "../texts/en.upload";
import { ReportTable } from "./ReportTable";
import { type Counts, STATUSES } from "./report";
import css from "./upload.module.css";
import { type Running, reports } from "./uploads";
import { useProgress, useUpload } from "./useUpload";

const texts = uploadTexts.panel;

/** The upload of a task from this browser: how far it is, and what became of every file. `add`: shows where files are added. */
export function UploadPanel({ task, add }: { task: string; add: (() => void) | null }) {
  const running = useUpload(task);
  const kept = useQuery({
    queryKey: ["upload-report", task],
    queryFn: async () => (await reports.kept(task)) ?? null,
    enabled: !running,
  });
  if (running) return <Current task={task} running={running} />;
  if (!kept.data) return null;
  const { counts, files, is_ended } = kept.data;
  const answered = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  return (
    <section className={css.panel} aria-label={texts.title}>
      <div className={css.line}>
        <p className={is_ended ? undefined : css.waiting}>
          {is_ended ? texts.done(files) : texts.cut(answered, files)}
        </p>
        {!is_ended && add && (
          <Button isCompact look="primary" onClick={add}>
            {texts.again}
          </Button>
        )}
      </div>
      <Report task={task} counts={counts} />
    </section>
  );
}

function Current({ task, running }: { task: string; running: Running }) {
  const progress = useProgress(running);
  const sealing = useStore(running.sealing);
  const { state, why, files, answered, bytes, sentBytes, counts } = progress;
  return (
    <section className={css.panel} aria-label={texts.title}>
      <div className={css.line}>
        <p role="status">{state === "done" ? texts.done(files) : texts.sending(answered, files)}</p>
        {state !== "done" && <span className={css.bytes}>{texts.bytes(sentBytes, bytes)}</span>}
        {state === "sending" && (
          <Button isCompact onClick={() => running.queue.pause()}>
            {texts.pause}
          </Button>
        )}
        {state === "paused" && (
          <Button isCompact look="primary" onClick={() => running.queue.resume()}>
            {texts.resume}
          </Button>
        )}
      </div>
      {state !== "done" && <progress value={sentBytes} max={Math.max(bytes, 1)} aria-label={texts.title} />}
      {(why || state === "paused" || sealing) && (
        <p className={css.waiting} role="status">
          <Icon name="warning" /> {[state === "paused" && texts.paused, why, sealing].filter(Boolean).join(" ")}
        </p>
      )}
      <Report task={task} counts={counts} />
    </section>
  );
}

function Report({ task, counts }: { task: string; counts: Counts }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div className={css.line}>
        <ul className={css.counts}>
          {STATUSES.toReversed().map((status) => (
            <li key={status} data-status={status} data-count={counts[status]}>
              <strong>{counts[status].toLocaleString("en")}</strong> {texts.statuses[status]}
            </li>
          ))}
        </ul>
        <Button isCompact aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? texts.hide : texts.open}
        </Button>
      </div>
      {isOpen && <ReportTable task={task} counts={counts} />}
    </>
  );
}
