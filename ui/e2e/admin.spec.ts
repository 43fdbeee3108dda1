import { expect, test } from "./fixtures";
import { VIEWS } from "./views";

test("the minute that is pointed at is told in all plots", async ({ page, platform }) => {
  await VIEWS.admin?.(page, platform, "pointing");
  const plot = page.getByRole("img", { name: /^Age of the queues, 1 hour: / });
  const times = page.locator("time");
  await expect(times).toHaveCount(3);
  const [last] = await times.allTextContents();
  await plot.hover();
  await expect(times.first()).not.toHaveText(last ?? "");
  const pointed = await times.allTextContents();
  expect(new Set(pointed).size).toBe(1);
  await page.getByRole("heading", { level: 1 }).hover();
  await expect(times.first()).toHaveText(last ?? "");
});

test("plots take the colours of the theme, and the width of the window", async ({ page, platform }) => {
  await VIEWS.admin?.(page, platform, "colours");
  const canvas = page.getByRole("img", { name: /^Votes per minute, / }).locator("canvas");
  const drawn = () => canvas.evaluate((one: HTMLCanvasElement) => one.toDataURL());
  const light = await drawn();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(drawn).not.toBe(light);
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(drawn).toBe(light);
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(async () => (await canvas.boundingBox())?.width).toBeLessThan(340);
});
