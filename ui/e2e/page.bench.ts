/** Measures what people feel, into `build/bench-page.json`; holds nothing up, for a busy machine makes numbers worse. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import { expect, label, open, picture, test } from "./fixtures";
import { scriptKb } from "./gate";
import { at, begin, type } from "./pace";
import { type Picture, type Platform, pictured } from "./platform";
import { drop, shelve } from "./shelf";

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
    const { paint_ms, event_ms, loading_states } = await type(page, KEYS, EVERY_MS);
    for (const [name, share] of [
      ["p50", 0.5],
      ["p95", 0.95],
      ["p99", 0.99],
    ] as const) {
      report[`key_to_paint_${name}_ms${suffix}`] = at(paint_ms, share);
      report[`event_timing_${name}_ms${suffix}`] = at(event_ms, share);
    }
    report[`loading_states${suffix}`] = loading_states;
  });
}

test("the first load, at a quarter of this processor's speed", async ({ page, platform }) => {
  const task = await platform.task("First load", 20);
  const browser = await page.context().newCDPSession(page);
  await browser.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.addInitScript(() => {
    const seen = { lcp: 0, cls: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { startTime } of list.getEntries()) seen.lcp = startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) seen.cls += (shift as unknown as { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await label(page, platform, "mia", task);
  await expect(picture(page)).toBeVisible();
  await page.waitForTimeout(2_000);
  report.script_gz_kb = Math.round(await scriptKb(page));
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: { lcp: number; cls: number } }).seen);
  report.lcp_ms_cpu4 = Math.round(seen.lcp);
  report.cls = Math.round(seen.cls * 10_000) / 10_000;
});

/** Watches heap and long tasks until the returned function tells the most of each. */
async function watched(page: Page): Promise<() => Promise<{ heapMb: number; longestMs: number }>> {
  const browser: CDPSession = await page.context().newCDPSession(page);
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { tasks });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: "longtask" });
  });
  let heapMb = 0;
  const timer = setInterval(async () => {
    const { usedSize } = await browser.send("Runtime.getHeapUsage").catch(() => ({ usedSize: 0 }));
    heapMb = Math.max(heapMb, usedSize / 1_000_000);
  }, 250);
  return async () => {
    clearInterval(timer);
    const tasks = await page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks);
    return { heapMb: Math.round(heapMb), longestMs: Math.round(Math.max(0, ...tasks)) };
  };
}

test("a dropped folder of 5,000 files, twelve of them bad", async ({ page, platform }) => {
  const shelf = shelve(platform, pictured(await platform.smallPictures(FILES - 12)));
  await open(page, platform, "nia", "/tasks/new");
  await page.getByLabel("Name", { exact: true }).fill("Five thousand");
  await page.getByRole("textbox", { name: "Labels" }).fill("red, blue");
  await page.keyboard.press("Enter");
  const told = await watched(page);
  await drop(page, page.getByText("Drop folders, pictures or zips here"), shelf.folder);
  await expect(page.getByText("Looking through the files")).toHaveCount(0, { timeout: 300_000 });
  await page.getByRole("button", { name: "Create and upload" }).click();
  await expect(page.getByText("Every file is answered: 5,000")).toBeVisible({ timeout: 900_000 });
  await page.waitForTimeout(3_000);
  const { heapMb, longestMs } = await told();
  report.upload_5000_heap_mb = heapMb;
  report.longest_task_ms = longestMs;
  const count = async (status: string) =>
    Number(await page.locator(`[data-status='${status}']`).getAttribute("data-count"));
  expect([await count("accepted"), await count("rejected")]).toEqual([FILES - 12, 12]);
  const task = new URL(page.url()).pathname.split("/")[2] ?? "";
  expect(new Set(await platform.images(task)).size).toBe(FILES - 12);
});
