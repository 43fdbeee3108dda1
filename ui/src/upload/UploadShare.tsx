import { tasks } from "../texts/en.tasks";
import css from "./upload.module.css";
import type { Running } from "./uploads";
import { useProgress, useUpload } from "./useUpload";

/** How far the upload of a task is, for a row of the board. */
export function UploadShare({ task }: { task: string }) {
  const running = useUpload(task);
  return running ? <Share running={running} /> : null;
}

function Share({ running }: { running: Running }) {
  const { state, sentBytes, bytes } = useProgress(running);
  if (state === "done") return null;
  const share = bytes === 0 ? 0 : sentBytes / bytes;
  const said = state === "paused" ? tasks.board.uploadPaused(share) : tasks.board.uploading(share);
  return <span className={state === "paused" ? css.waiting : css.share}>{said}</span>;
}
