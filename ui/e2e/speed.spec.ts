/** What must hold on any machine: no frame after a key is without its picture. `make bench-page` measures the time. */
import { expect, label, test } from "./fixtures";
import { begin, type } from "./pace";

const KEYS = 30;
const EVERY_MS = 500;

test("the next picture is in the frame after the key", async ({ page, platform }) => {
  const task = await platform.task("Speed", 40);
  await label(page, platform, "leo", task);
  await page.waitForLoadState("networkidle");
  await begin(page);
  const { paint_ms, loading_states } = await type(page, KEYS, EVERY_MS);
  expect(paint_ms).toHaveLength(KEYS);
  expect(loading_states).toBe(0);
});
