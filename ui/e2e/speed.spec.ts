/**
 * From a key to the next picture, in the browser. Numbers go to `build/ui/speed.json` and hold nothing up: a busy
 * machine makes them worse. What must hold on any machine is that no frame after a key is without its picture.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, label, test } from "./fixtures";

const KEYS = 44;
const EVERY_MS = 500;
const FOLDER = join(import.meta.dirname, "../../build/ui");

interface Frame {
  ms: number;
  isComplete: boolean;
}

test("the next picture is in the frame after the key", async ({ page, platform }) => {
  const task = await platform.task("Speed", 48);
  await label(page, platform, "leo", task);
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => {
    const frames: Frame[] = [];
    Object.assign(globalThis, { frames });
    addEventListener("keydown", (event) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = ({ data }) =>
        frames.push({ ms: performance.now() - event.timeStamp, isComplete: data });
      requestAnimationFrame(() => {
        const image = document.querySelector<HTMLImageElement>("img[data-id]");
        channel.port2.postMessage(image?.complete === true && image.naturalWidth > 0);
      });
    });
  });
  for (let index = 0; index < KEYS; index++) {
    await page.keyboard.press(String((index % 3) + 1));
    await page.waitForTimeout(EVERY_MS);
  }
  const frames = await page.evaluate(() => (globalThis as unknown as { frames: Frame[] }).frames);
  expect(frames).toHaveLength(KEYS);
  expect(frames.filter(({ isComplete }) => !isComplete)).toEqual([]);
  const sorted = frames.map(({ ms }) => ms).sort((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const report = { keys: KEYS, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "speed.json"), `${JSON.stringify(report, null, 2)}\n`);
  console.log(JSON.stringify(report));
});
