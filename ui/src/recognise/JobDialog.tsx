import { useState } from "react";
import { Boxed } from "../marks/Boxed";
import { Mark } from "../marks/Mark";
import { Button } from "../shell/Button";
import { Copy } from "../shell/Copy";
import { Dialog } from "../shell/Dialog";
import { Empty, Loading } from "../shell/States";
import { recognise as texts } from "../texts/en.recognise";
import { MARKS } from "./JobList";
import { RemoveJob } from "./RemoveJob";
import css from "./recognise.module.css";
import { type Job, useJob } from "./useJobs";

interface JobDialogProps {
  id: string;
  /** From the list; absent where the list has not come to it, and where it is a teammate's. */
  known: Job | undefined;
  close: () => void;
}

/** One job: its picture, its classes, and its address for teammates. */
export function JobDialog({ id, known, close }: JobDialogProps) {
  const { data, error } = useJob(id, known);
  const [isRemoving, setRemoving] = useState(false);
  const job = known ?? data;
  if (job && isRemoving) return <RemoveJob job={job} removed={close} close={() => setRemoving(false)} />;
  return (
    <Dialog title={job?.filename ?? texts.title} close={close}>
      {job && <Shown job={job} remove={() => setRemoving(true)} />}
      {!job && error && <Empty title={texts.gone}>{texts.goneDetail}</Empty>}
      {!job && !error && <Loading />}
    </Dialog>
  );
}

function Shown({ job, remove }: { job: Job; remove: () => void }) {
  const { state, classes, width, height } = job;
  const tookS = job.finished_at && (Date.parse(job.finished_at) - Date.parse(job.submitted_at)) / 1000;
  return (
    <div className={css.job}>
      <div className={css.picture}>
        <Boxed src={job.screen_url} alt={job.filename} width={width} height={height} boxes={[]} />
      </div>
      <p className={css.state}>
        <Mark state={MARKS[state]} needed={1} size={20} />
        <strong>{texts.states[state]}</strong>
        {tookS && <span>{texts.took(tookS)}</span>}
        {width && height && <span>{texts.size(width, height)}</span>}
      </p>
      {state === "failed" && <p className={css.wrong}>{job.reason}</p>}
      {state === "finished" && classes.length === 0 && <p>{texts.nothing}</p>}
      <ul>
        {classes.map(({ label, confidence }) => (
          <li key={label} className={css.class}>
            <span>{label}</span>
            <i className={css.track}>
              <i className={css.bar} style={{ inlineSize: `${confidence * 100}%` }} />
            </i>
            <span className={css.share}>{texts.sure(confidence)}</span>
          </li>
        ))}
      </ul>
      {job.model && <p className={css.model}>{texts.by(job.model)}</p>}
      <div className={css.deeds}>
        <Copy name={texts.link} text={`${location.origin}/recognise/${job.id}`} />
        <Copy name={texts.json} text={JSON.stringify(classes)} />
        <Button look="danger" isCompact onClick={remove}>
          {texts.remove}
        </Button>
      </div>
    </div>
  );
}
