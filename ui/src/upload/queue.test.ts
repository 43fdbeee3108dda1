import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { batches } from "./batches";
import type { Answer } from "./judge";
import { IN_FLIGHT, OPENED_AT_ONCE, type Opened, type Ports, Upload } from "./queue";
import { Reports } from "./report";
import { noSelection, type Ready, type Selection } from "./selection";

let databases = 0;

function file(path: string, size = 10): Ready {
  return { path, size, open: () => Promise.resolve(new File([path], path)) };
}

function selected(files: Ready[], refused: string[] = []): Selection {
  return {
    ...noSelection(),
    ready: files,
    refused: refused.map((filename) => ({ filename, status: "rejected", reason: "the file is empty", notes: [] })),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

const files = (count: number) => Array.from({ length: count }, (_, number) => file(`${number}.jpg`));

function accepted(batch: readonly Opened[]): Answer {
  const images = batch.map(({ path }) => ({ filename: path, status: "accepted", reason: null, notes: [] }));
  return { status: 200, retryAfterS: null, body: { images } };
}

type Known = (batch: readonly Opened[]) => boolean[];
type Send = (batch: readonly Opened[], attempt: number) => Answer | Promise<Answer>;

function upload(selection: Selection, send: Send, known?: Known) {
  const reports = new Reports(`queue-${databases++}`);
  const waits: number[] = [];
  const ports: Ports = {
    reports,
    known: async (_, batch) => known?.(batch) ?? batch.map(() => false),
    wait: async (seconds) => void waits.push(seconds),
    send: async (_, batch, sent) => {
      sent(1_000_000);
      return send(batch, attempts++);
    },
  };
  let attempts = 0;
  return { queue: new Upload("t", selection, ports, known !== undefined), reports, waits };
}

async function reported(reports: Reports): Promise<string[]> {
  const all: string[] = [];
  for await (const page of reports.rows("t", ["accepted", "duplicate", "rejected", "skipped"]))
    all.push(...page.map(({ filename, status }) => `${status} ${filename}`));
  return all.toSorted();
}

describe("batches", () => {
  it("hold at most 64 files", () => {
    expect(batches(files(130)).map((batch) => batch.length)).toEqual([64, 64, 2]);
  });

  it("hold at most 32 MB, and a larger file alone", () => {
    const sizes = [20, 12, 1, 90, 1].map((megabytes) => file("x", megabytes * 1024 * 1024));
    expect(batches(sizes).map((batch) => batch.length)).toEqual([2, 1, 1, 1]);
  });
});

describe("an upload", () => {
  it("answers for every file, also those that were not sent", async () => {
    const { queue, reports } = upload(selected(files(200), ["empty.jpg"]), accepted);
    await queue.start();
    expect(queue.progress).toMatchObject({ state: "done", files: 201, answered: 201, sentBytes: 2000, bytes: 2000 });
    expect(queue.progress.counts).toEqual({ accepted: 200, duplicate: 0, rejected: 1, skipped: 0 });
    expect(new Set(await reported(reports)).size).toBe(201);
    expect((await reports.kept("t"))?.is_ended).toBe(true);
  });

  it("opens few files at once, for the page hears of all that are ready in one task", async () => {
    let opening = 0;
    let most = 0;
    const slow = files(200).map((one) => ({
      ...one,
      open: async () => {
        most = Math.max(most, ++opening);
        await new Promise((resolve) => setTimeout(resolve));
        opening--;
        return one.open();
      },
    }));
    await upload(selected(slow), accepted).queue.start();
    expect(most).toBe(IN_FLIGHT * OPENED_AT_ONCE);
  });

  it("has at most three requests in flight", async () => {
    let inFlight = 0;
    let most = 0;
    const { queue } = upload(selected(files(700)), async (batch) => {
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve));
      inFlight--;
      return accepted(batch);
    });
    await queue.start();
    expect(most).toBe(3);
  });

  it("sends a batch again that had no answer, with growing waits", async () => {
    const { queue, waits } = upload(selected(files(5)), (batch, attempt) => (attempt < 3 ? null : accepted(batch)));
    await queue.start();
    expect(queue.progress).toMatchObject({ state: "done", answered: 5, why: null });
    expect(waits).toEqual([1, 2, 4]);
  });

  it("waits as long as a busy platform asks", async () => {
    const busy: Answer = { status: 503, retryAfterS: 7, body: { detail: "too many uploads are under way" } };
    const { queue, waits } = upload(selected(files(1)), (batch, attempt) => (attempt === 0 ? busy : accepted(batch)));
    await queue.start();
    expect(waits).toEqual([7]);
    expect(queue.progress.state).toBe("done");
  });

  it("takes the report of a problem in which every file was refused", async () => {
    const images = [{ filename: "0.jpg", status: "rejected", reason: "truncated", notes: [] }];
    const { queue, reports } = upload(selected(files(1)), () => ({ status: 422, retryAfterS: null, body: { images } }));
    await queue.start();
    expect(await reported(reports)).toEqual(["rejected 0.jpg"]);
  });

  it("finds the one file for which a whole request is refused", async () => {
    const { queue, reports } = upload(selected(files(9)), (batch) =>
      batch.some(({ path }) => path === "6.jpg")
        ? { status: 413, retryAfterS: null, body: { detail: "the body is over the limit" } }
        : accepted(batch),
    );
    await queue.start();
    const rows = await reported(reports);
    expect(rows).toHaveLength(9);
    expect(rows.filter((row) => row.startsWith("rejected"))).toEqual(["rejected 6.jpg"]);
  });

  it("stops at a full disk with the reason, and goes on where it stopped", async () => {
    let isFull = true;
    const { queue, reports } = upload(selected(files(300)), (batch, attempt) =>
      isFull && attempt > 0
        ? { status: 507, retryAfterS: null, body: { detail: "the disk is full" } }
        : accepted(batch),
    );
    await queue.start();
    expect(queue.progress).toMatchObject({ state: "paused", why: "the disk is full" });
    isFull = false;
    await queue.resume();
    expect(queue.progress).toMatchObject({ state: "done", answered: 300, sentBytes: 3000 });
    expect(new Set(await reported(reports)).size).toBe(300);
    expect(await reported(reports)).toHaveLength(300);
  });

  it("stops at a task that was erased, and blames no file for it", async () => {
    const gone: Answer = { status: 410, retryAfterS: null, body: { code: "gone", detail: "the task was cancelled" } };
    const { queue, reports } = upload(selected(files(9)), () => gone);
    await queue.start();
    expect(queue.progress).toMatchObject({ state: "paused", why: "the task was cancelled", answered: 0 });
    expect(await reported(reports)).toEqual([]);
  });

  it("reports a file that is gone when its turn comes, once", async () => {
    const gone = { ...file("gone.jpg"), open: () => Promise.reject(new Error("not found")) };
    const { queue, reports } = upload(selected([gone, ...files(2)]), (batch, attempt) =>
      attempt ? accepted(batch) : null,
    );
    await queue.start();
    expect(await reported(reports)).toEqual(["accepted 0.jpg", "accepted 1.jpg", "rejected gone.jpg"]);
    expect(queue.progress.answered).toBe(3);
  });

  it("takes what was under way again after a pause", async () => {
    const { queue, reports } = upload(selected(files(200)), async (batch, attempt) => {
      if (attempt === 1) queue.pause();
      return attempt < 3 && attempt > 0 ? null : accepted(batch);
    });
    await queue.start();
    expect(queue.progress).toMatchObject({ state: "paused", why: null });
    await queue.resume();
    expect(queue.progress).toMatchObject({ state: "done", answered: 200 });
    expect(new Set(await reported(reports)).size).toBe(200);
    expect(await reported(reports)).toHaveLength(200);
  });

  it("sends only what the task does not have, where it has some already", async () => {
    const has = (path: string) => Number.parseInt(path, 10) < 100;
    const sent: string[] = [];
    const { queue, reports } = upload(
      selected(files(150)),
      (batch) => {
        sent.push(...batch.map(({ path }) => path));
        return accepted(batch);
      },
      (batch) => batch.map(({ path }) => has(path)),
    );
    await queue.start();
    expect(sent.filter(has)).toEqual([]);
    expect(sent).toHaveLength(50);
    expect(queue.progress).toMatchObject({ state: "done", answered: 150, sentBytes: 1500 });
    expect(queue.progress.counts).toEqual({ accepted: 50, duplicate: 100, rejected: 0, skipped: 0 });
    expect(new Set(await reported(reports)).size).toBe(150);
  });

  it("asks for what may have arrived when a batch was cut, and sends nothing twice", async () => {
    const stored: string[] = [];
    const asked: string[] = [];
    let isCut = true;
    const reports = new Reports(`queue-${databases++}`);
    const queue = new Upload("t", selected(files(70)), {
      reports,
      wait: async () => undefined,
      known: async (_, batch) => {
        asked.push(...batch.map(({ path }) => path));
        return batch.map(({ path }) => stored.includes(path));
      },
      send: async (_, batch) => {
        const isWhole = !isCut || batch.length < 64;
        const arrived = isWhole ? batch : batch.slice(0, 40);
        stored.push(...arrived.map(({ path }) => path));
        if (isWhole) return accepted(batch);
        isCut = false;
        return null;
      },
    });
    await queue.start();
    expect(asked).toHaveLength(64);
    expect(stored.toSorted()).toEqual(
      files(70)
        .map(({ path }) => path)
        .toSorted(),
    );
    expect(queue.progress.counts).toMatchObject({ accepted: 30, duplicate: 40 });
  });

  it("gives up on a platform that fails again and again, until it is resumed", async () => {
    let isBroken = true;
    const { queue } = upload(selected(files(1)), (batch) =>
      isBroken ? { status: 500, retryAfterS: null, body: null } : accepted(batch),
    );
    await queue.start();
    expect(queue.progress.state).toBe("paused");
    isBroken = false;
    await queue.resume();
    expect(queue.progress).toMatchObject({ state: "done", answered: 1 });
  });
});
