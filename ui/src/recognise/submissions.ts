/** The pictures that this page submits: they go on whatever page is shown, until the browser's page is closed. */
import { callerHeaders } from "../api/caller";
import { store } from "../shell/store";
import type { Answer } from "../upload/judge";
import { type Ports, Upload } from "../upload/queue";
import { type FileRow, noCounts } from "../upload/report";
import type { Selection } from "../upload/selection";
import { sender, signedIn, wait } from "../upload/send";

/** A submission and what of it was refused. */
export interface Submission {
  queue: Upload;
  refused: readonly FileRow[];
}

/** The submission that is under way, or was the last. */
export const submission = store<Submission | null>(null);

const NO_TASK = "";
const sendFiles = signedIn(sender(callerHeaders, () => "/jobs/submit"));

let last: Promise<unknown> = Promise.resolve();

/** Submits files once those before them are answered for. */
export function submit(selection: Selection): void {
  last = last.then(() => begin(selection));
}

async function begin(selection: Selection): Promise<void> {
  const counts = noCounts();
  const refused: FileRow[] = [];
  const reports: Ports["reports"] = {
    begin: async () => undefined,
    end: async () => undefined,
    async add(_, rows) {
      for (const row of rows) counts[row.status] += 1;
      refused.push(...rows.filter(({ status }) => status === "rejected"));
      submission.set({ queue, refused: [...refused] });
      return { ...counts };
    },
  };
  const ports: Ports = {
    send: async (...batch) => asReport(await sendFiles(...batch)),
    known: async (_, batch) => batch.map(() => false), // a picture that is sent again is the same job
    wait,
    reports,
  };
  const queue = new Upload(NO_TASK, selection, ports);
  submission.set({ queue, refused: [] });
  await queue.start();
  await ended(queue);
}

/** An answer about jobs, as one about the images of a task. */
export function asReport(answer: Answer): Answer {
  const body = answer?.body;
  if (typeof body !== "object" || body === null || !("jobs" in body)) return answer;
  return answer && { ...answer, body: { ...body, images: body.jobs } };
}

/** Resolves when every file has been answered for; a paused one goes on when somebody says so. */
function ended(queue: Upload): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (queue.progress.state !== "done") return;
      leave();
      resolve();
    };
    const leave = queue.subscribe(look);
    look();
  });
}

addEventListener("beforeunload", (event) => {
  const now = submission.get();
  if (now && now.queue.progress.state !== "done") event.preventDefault();
});
