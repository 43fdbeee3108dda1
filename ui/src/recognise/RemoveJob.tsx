import { api } from "../api/client";
import { Confirm } from "../shell/Confirm";
import { recognise as texts } from "../texts/en.recognise";
import { type Job, useChanged } from "./useJobs";

/** Asks before a job is deleted. `removed`: what follows besides. */
export function RemoveJob({ job, removed, close }: { job: Job; removed?: () => void; close: () => void }) {
  const { leaveOut } = useChanged();
  const act = async () => {
    await api.DELETE("/jobs/item/{job_id}", { params: { path: { job_id: job.id } } });
    return undefined;
  };
  const done = () => {
    leaveOut(job.id);
    removed?.();
  };
  return <Confirm {...texts.removing} isDangerous act={act} done={done} close={close} />;
}
