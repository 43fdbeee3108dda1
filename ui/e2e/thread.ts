/** The page's thread as the browser traces it: also how much of the time on the clock it had a processor. */
import type { Page } from "@playwright/test";

interface Traced {
  ph: string;
  name: string;
  cat: string;
  pid: number;
  tid: number;
  /** When, and how long, in microseconds on the clock. */
  ts: number;
  dur?: number;
  /** The same in microseconds of the processor. */
  tts?: number;
  tdur?: number;
  args: Record<string, unknown>;
}

export interface Recorded {
  /** The page's tasks. */
  tasks: readonly { ms: number; cpuMs: number }[];
  /** The processor's time at each mark that the page set by `performance.mark` under this name. */
  cpuAt: (mark: string) => number[];
}

const TASK = "ThreadControllerImpl::RunTask";

/** Records until the returned function is called. Tasks in which Playwright's own questions are answered do not count. */
export async function record(page: Page): Promise<() => Promise<Recorded>> {
  const browser = page.context().browser();
  await browser?.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
  return async () => {
    const trace = await browser?.stopTracing();
    return recorded(JSON.parse(trace?.toString() ?? "{}").traceEvents);
  };
}

function recorded(events: readonly Traced[]): Recorded {
  const marked = events.filter(({ ph, cat }) => ph === "I" && cat === "blink.user_timing");
  const { pid, tid } = marked.at(-1) ?? { pid: 0, tid: 0 };
  const ofPage = events.filter((one) => one.pid === pid && one.tid === tid);
  const asked = ofPage.filter(({ args }) => JSON.stringify(args).includes("DevToolsSession")).map(({ ts }) => ts);
  const tasks = ofPage
    .filter(({ ph, name }) => ph === "X" && name === TASK)
    .filter(({ ts, dur = 0 }) => !asked.some((at) => at >= ts && at <= ts + dur))
    .map(({ dur = 0, tdur = 0 }) => ({ ms: dur / 1000, cpuMs: tdur / 1000 }));
  const cpuAt = (mark: string) => marked.filter(({ name }) => name === mark).map(({ tts = 0 }) => tts / 1000);
  return { tasks, cpuAt };
}
