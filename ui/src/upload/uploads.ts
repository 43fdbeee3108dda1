/** The uploads of this page: they go on whatever page is shown, until the browser's page is closed. */
import { callerHeaders } from "../api/caller";
import { ApiProblem, api } from "../api/client";
import { type Store, store } from "../shell/store";
import { upload as texts } from "../texts/en.upload";
import { askKnown } from "./known";
import { Upload } from "./queue";
import { Reports } from "./report";
import type { Selection } from "./selection";
import { sender, signedIn, wait } from "./send";
import { noteUpload } from "./unsealed";

const SEAL_TRIES = 30;
const SEAL_PAUSE_S = 2;

export const reports = new Reports();

export interface Running {
  queue: Upload;
  /** What became of sealing, where it was asked for and did not work at once. */
  sealing: Store<string | null>;
}

export const uploads = store<ReadonlyMap<string, Running>>(new Map());

/** Send files to a task, which may have some of them already, and, where asked for, seal it when the last is answered. */
export async function upload(
  task: string,
  selection: Selection,
  isSealedAfter: boolean,
  mayBeThere: boolean,
): Promise<void> {
  const ports = { send: sendSignedIn, known: askKnown, wait, reports };
  const queue = new Upload(task, selection, ports, mayBeThere);
  const running = { queue, sealing: store<string | null>(null) };
  uploads.set(new Map(uploads.get()).set(task, running));
  noteUpload(task, isSealedAfter);
  if (isSealedAfter) sealWhenDone(task, running);
  await queue.start();
}

const sendBatch = sender(callerHeaders, (task) => `/api/tasks/${encodeURIComponent(task)}/images`);

const sendSignedIn = signedIn(sendBatch);

export function isUnderWay(running: Running | undefined): boolean {
  return running !== undefined && running.queue.progress.state !== "done";
}

function sealWhenDone(task: string, { queue, sealing }: Running): void {
  const leave = queue.subscribe(() => {
    const { state, counts } = queue.progress;
    if (state !== "done") return;
    leave();
    if (counts.accepted + counts.duplicate > 0) void seal(task, sealing);
  });
}

/** Sealing is refused while any upload to the task is under way, also one from elsewhere: that is waited for. */
async function seal(task: string, sealing: Store<string | null>): Promise<void> {
  const forever = new AbortController().signal;
  for (let tries = 0; tries < SEAL_TRIES; tries++) {
    try {
      await api.POST("/api/tasks/{task_id}/seal", { params: { path: { task_id: task } } });
      sealing.set(null);
      noteUpload(task, false);
      return;
    } catch (error) {
      const mayPass =
        error instanceof ApiProblem &&
        (error.code === "upload-under-way" || error.status === 503 || error.isUnreachable);
      sealing.set(mayPass ? texts.panel.sealing : texts.panel.sealFailed(String((error as Error).message)));
      if (!mayPass) return;
      await wait(SEAL_PAUSE_S, forever);
    }
  }
  sealing.set(texts.panel.sealFailed(texts.panel.sealing));
}

addEventListener("beforeunload", (event) => {
  if ([...uploads.get().values()].some(isUnderWay)) event.preventDefault();
});
