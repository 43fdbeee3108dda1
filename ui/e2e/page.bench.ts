/**
 * Measures what people feel, into `build/bench-page.json`; holds nothing up, for a busy machine makes numbers worse.
 *
 * How busy it was stands beside: `load` is the load average, and `cpu` figures are the processor's time of the page's
 * thread for the same, which other programs lengthen little. Playwright asks the page nothing meanwhile: an `expect`
 * that waits would take up to 50 ms of that thread each time it looks.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { basename, join } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import { expect, label, open, picture, test } from "./fixtures";
import { scriptKb } from "./gate";
import { at, begin, type } from "./pace";
import { type Picture, type Platform, pictured } from "./platform";
import { drop, shelve } from "./shelf";
import { record } from "./thread";

const KEYS = 200;
const EVERY_MS = 500;
const FILES = 5_000;
const BUILD = join(import.meta.dirname, "../../build");
const report: Record<string, number> = {};

test.describe.configure({ timeout: 1_200_000 });

test.afterEach(() => {
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(join(BUILD, "bench-page.json"), `${JSON.stringify(report, null, 2)}\n`);
  console.log(JSON.stringify(report, null, 2));
});

/** How many programs wanted a processor in the last minute. */
function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

/** As many copies as keys are pressed; a number behind the end makes each another file of the same picture. */
async function copies(platform: Platform, megapixels: number): Promise<Picture[]> {
  const file = await platform.largePicture(megapixels);
  const bytes = readFileSync(file);
  return Array.from({ length: KEYS + 1 }, (_, number) => ({
    name: `${number} ${basename(file)}`,
    bytes: Buffer.concat([bytes.subarray(0, 2), comment(number), bytes.subarray(2)]),
  }));
}

/** A JPEG's comment segment. */
function comment(number: number): Buffer {
  const segment = Buffer.from([0xff, 0xfe, 0, 6, 0, 0, 0, 0]);
  segment.writeUInt32BE(number, 4);
  return segment;
}

for (const megapixels of [0, 12, 25]) {
  const what = megapixels === 0 ? "sample pictures" : `pictures of ${megapixels} megapixels`;
  const suffix = megapixels === 0 ? "" : `_${megapixels}mp`;
  test(`from a key to the next of 200 ${what}`, async ({ page, platform }) => {
    const pictures = megapixels === 0 ? platform.samples().slice(0, KEYS + 1) : await copies(platform, megapixels);
    const task = await platform.taskOf(what, pictures, { detector: { mode: "off" } });
    await label(page, platform, "leo", task);
    await page.waitForTimeout(3_000); // as a person looks at the first picture
    await begin(page);
    const told = await record(page);
    const { paint_ms, event_ms, loading_states } = await type(page, KEYS, EVERY_MS);
    const { cpuAt } = await told();
    const painted = cpuAt("painted");
    const cpu_ms = cpuAt("key").map((before, index) => (painted[index] ?? Number.NaN) - before);
    cpu_ms.sort((one, other) => one - other);
    for (const [name, share] of [
      ["p50", 0.5],
      ["p95", 0.95],
      ["p99", 0.99],
    ] as const) {
      report[`key_to_paint_${name}_ms${suffix}`] = at(paint_ms, share);
      report[`key_to_paint_cpu_${name}_ms${suffix}`] = at(cpu_ms, share);
      report[`event_timing_${name}_ms${suffix}`] = at(event_ms, share);
    }
    report[`loading_states${suffix}`] = loading_states;
    report[`load${suffix}`] = load();
  });
}

test("the first load, at a quarter of this processor's speed", async ({ page, platform }) => {
  const task = await platform.task("First load", 20);
  const browser = await page.context().newCDPSession(page);
  await browser.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.addInitScript(() => {
    localStorage.setItem("quorate.who", JSON.stringify("mia"));
    performance.mark("begun");
    const seen = { lcp: 0, cls: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { startTime } of list.getEntries()) seen.lcp = startTime;
      performance.mark("seen");
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) seen.cls += (shift as unknown as { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  const told = await record(page);
  await page.goto(`${platform.pageUrl}/label/${task}`, { waitUntil: "commit" });
  await page.waitForTimeout(8_000);
  const { cpuAt } = await told();
  await expect(picture(page)).toBeVisible();
  report.script_gz_kb = Math.round(await scriptKb(page));
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: { lcp: number; cls: number } }).seen);
  report.lcp_ms_cpu4 = Math.round(seen.lcp);
  report.lcp_cpu_ms_cpu4 = Math.round((cpuAt("seen").at(-1) ?? 0) - (cpuAt("begun").at(-1) ?? 0));
  report.cls = Math.round(seen.cls * 10_000) / 10_000;
  report.load_first = load();
});

/** Watches the heap until the returned function tells the most of it. */
async function watched(page: Page): Promise<() => number> {
  const browser: CDPSession = await page.context().newCDPSession(page);
  let heapMb = 0;
  const timer = setInterval(async () => {
    const { usedSize } = await browser.send("Runtime.getHeapUsage").catch(() => ({ usedSize: 0 }));
    heapMb = Math.max(heapMb, usedSize / 1_000_000);
  }, 250);
  return () => {
    clearInterval(timer);
    return Math.round(heapMb);
  };
}

/** Waits within the page until it says a text, or no longer says it. */
async function untilSaid(page: Page, text: string, isSaid = true): Promise<void> {
  await page.evaluate(
    ([text, isSaid]) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (document.getElementById("content")?.textContent.includes(text) !== isSaid) return;
          changes.disconnect();
          resolve();
        };
        const changes = new MutationObserver(look);
        changes.observe(document, { subtree: true, childList: true, characterData: true });
        look();
      }),
    [text, isSaid] as const,
  );
}

test("a dropped folder of 5,000 files, twelve of them bad", async ({ page, platform }) => {
  const shelf = shelve(platform, pictured(await platform.smallPictures(FILES - 12)));
  await open(page, platform, "nia", "/tasks/new");
  await page.getByLabel("Name", { exact: true }).fill("Five thousand");
  await page.getByRole("textbox", { name: "Labels" }).fill("red, blue");
  await page.keyboard.press("Enter");
  const most = await watched(page);
  const told = await record(page);
  await drop(page, page.getByText("Drop folders, pictures or zips here"), shelf.folder);
  await untilSaid(page, "Looking through the files");
  await untilSaid(page, "Looking through the files", false);
  await page.getByRole("button", { name: "Create and upload" }).click();
  await untilSaid(page, "Upload finished: 5,000 files");
  await page.waitForTimeout(3_000);
  await page.evaluate(() => performance.mark("done"));
  const { tasks } = await told();
  report.upload_5000_heap_mb = most();
  report.longest_task_ms = Math.round(Math.max(...tasks.map(({ ms }) => ms)));
  report.longest_task_cpu_ms = Math.round(Math.max(...tasks.map(({ cpuMs }) => cpuMs)));
  report.load_upload = load();
  const count = async (status: string) =>
    Number(await page.locator(`[data-status='${status}']`).getAttribute("data-count"));
  expect([await count("accepted"), await count("rejected")]).toEqual([FILES - 12, 12]);
  const task = new URL(page.url()).pathname.split("/")[2] ?? "";
  expect(new Set(await platform.images(task)).size).toBe(FILES - 12);
});
