import { afterEach, beforeEach, expect, test, vi } from "vitest";

class Source extends EventTarget {
  static all: Source[] = [];
  static readonly CLOSED = 2;
  readyState = 1;
  constructor(readonly url: string) {
    super();
    Source.all.push(this);
  }
  close() {
    this.readyState = 2;
  }
  tell(name: string, data: object = {}) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

const open = () => Source.all.filter(({ readyState }) => readyState === 1).map(({ url }) => url);
const heard = { progress: () => undefined, gone: () => undefined };
let stream: typeof import("./streams").stream;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Source);
  Source.all = [];
  vi.resetModules();
  ({ stream } = await import("./streams"));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("one stream tells of all tasks, and is opened anew when they change", () => {
  stream("b", heard);
  const leave = stream("a", { ...heard });
  stream("a", { ...heard });
  vi.runAllTimers();
  expect(open()).toEqual(["/api/events?task=a&task=b"]);
  leave?.();
  vi.runAllTimers();
  expect(Source.all).toHaveLength(1);
  stream("c", heard);
  vi.runAllTimers();
  expect(open()).toEqual(["/api/events?task=a&task=b&task=c"]);
});

test("each watcher hears of its own task", () => {
  const told: string[] = [];
  const watcher = (name: string) => ({
    progress: ({ id }: { id: string }) => void told.push(`${name} ${id}`),
    gone: () => void told.push(`${name} gone`),
  });
  stream("a", watcher("ann"));
  stream("b", watcher("ben"));
  vi.runAllTimers();
  Source.all[0]?.tell("progress", { id: "b" });
  Source.all[0]?.tell("gone", { id: "a" });
  expect(told).toEqual(["ben b", "ann gone"]);
});

test("a stream that has ended is not opened again, until another task is watched", () => {
  stream("a", { ...heard });
  vi.runAllTimers();
  Source.all[0]?.tell("end");
  vi.advanceTimersByTime(60_000);
  expect([Source.all.length, open()]).toEqual([1, []]);
  stream("b", heard);
  vi.runAllTimers();
  expect(open()).toEqual(["/api/events?task=a&task=b"]);
});

test("a cut is left to the browser; a refusal is followed by another try", () => {
  stream("a", { ...heard });
  vi.runAllTimers();
  Source.all[0]?.tell("error");
  vi.advanceTimersByTime(60_000);
  expect(Source.all).toHaveLength(1);
  Source.all[0]?.close();
  Source.all[0]?.tell("error");
  vi.advanceTimersByTime(4_000);
  expect(open()).toEqual([]);
  vi.advanceTimersByTime(2_000);
  expect(open()).toEqual(["/api/events?task=a"]);
});

test("a hundred tasks are streamed, and no more", () => {
  const all = Array.from({ length: 101 }, (_, number) => stream(String(number), heard));
  expect(all.indexOf(null)).toBe(100);
});
