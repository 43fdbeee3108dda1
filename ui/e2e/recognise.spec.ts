import { join } from "node:path";
import { expect, open, test } from "./fixtures";
import { THOUSAND, thousandJobs } from "./jobs";
import type { Platform } from "./platform";
import { drop, shelve } from "./shelf";

const files = (platform: Platform, count: number) =>
  platform
    .samples()
    .slice(0, count)
    .map(({ name }) => join(platform.pictures, name));

test("pictures are dropped, recognised, opened, and deleted by keyboard alone", async ({ page, platform }) => {
  const { folder, bad } = shelve(platform, platform.samples().slice(0, 6));
  await open(page, platform, "rita", "/recognise");
  await expect(page.getByRole("heading", { name: "No picture yet" })).toBeVisible();
  await drop(page, page.getByText("Drop or paste pictures here"), folder);
  await expect(page.getByText(`${bad.length} files were refused: why`)).toBeVisible();
  await expect(page.locator("[data-state='finished']")).toHaveCount(6);
  await expect(page.getByText("6 recognised")).toBeVisible();
  await expect(page.locator("[data-state='finished']").first()).toContainText(/\d%\s*\w+ square/);

  await page.keyboard.press("j");
  await expect(page.locator("a[data-job]").first()).toBeFocused();
  await page.keyboard.press("Enter");
  const job = page.getByRole("dialog");
  await expect(job.getByRole("listitem").first()).toBeVisible();
  const address = page.url();
  await page.goto(address); // as a teammate would open it
  await expect(job.getByRole("button", { name: "Copy link" })).toBeVisible();
  await job.getByRole("button", { name: "Delete" }).press("Enter");
  await page.getByRole("dialog", { name: "Delete this job?" }).getByRole("button", { name: "Delete" }).press("Enter");
  await expect(page.locator("[data-state='finished']")).toHaveCount(5);
  await expect(page).toHaveURL(/\/recognise$/);
});

test("what is submitted without a connection is sent when it is back", { tag: "@cut" }, async ({ page, platform }) => {
  await open(page, platform, "otto", "/recognise");
  await expect(page.getByRole("heading", { name: "No picture yet" })).toBeVisible();
  await page.context().setOffline(true);
  await page.getByLabel("Choose files").last().setInputFiles(files(platform, 2));
  await expect(page.getByText("0 of 2 files are sent")).toBeVisible();
  await page.context().setOffline(false);
  await expect(page.locator("[data-state='finished']")).toHaveCount(2);
});

test("of a thousand jobs only those near the screen are in the document", async ({ page, platform }) => {
  await thousandJobs(page, platform);
  await open(page, platform, "tina", "/recognise");
  const rows = page.locator("[data-state]");
  await expect(rows.first()).toContainText("picture-1.jpg");
  for (let last = 0; last < THOUSAND; ) {
    expect(await rows.count()).toBeLessThan(60);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await expect.poll(async () => Number(await rows.last().getAttribute("aria-posinset"))).toBeGreaterThan(last);
    last = Number(await rows.last().getAttribute("aria-posinset"));
  }
  await expect(rows.last()).toContainText(`picture-${THOUSAND}.jpg`);
});
