import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, open, test } from "./fixtures";
import { type Picture, type Platform, pictured } from "./platform";
import { drop, type Shelf, shelve } from "./shelf";

const GOOD = 300;
/** More than a request holds, so that an upload can be cut between two. */
const LET_THROUGH = 2;

async function drawn(platform: Platform): Promise<Picture[]> {
  return pictured(await platform.smallPictures(GOOD));
}

async function create(page: Page, platform: Platform, name: string, { folder }: Shelf): Promise<void> {
  await open(page, platform, "client", "/tasks/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("textbox", { name: "Labels" }).fill("red, blue");
  await page.keyboard.press("Enter");
  await drop(page, page.getByText("Drop folders, pictures or zips here"), folder);
  await expect(page.getByText("Looking through the files")).toHaveCount(0);
  await page.getByRole("button", { name: "Create and upload" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
}

async function counts(page: Page): Promise<Record<string, number>> {
  const all = await page
    .locator("[data-status]")
    .evaluateAll((items) =>
      items.map((one) => [one.getAttribute("data-status"), Number(one.getAttribute("data-count"))]),
    );
  return Object.fromEntries(all);
}

function taskOf(page: Page): string {
  return new URL(page.url()).pathname.split("/")[2] ?? "";
}

test("a dropped folder with twelve bad files: every file is answered for, and the good ones are images", async ({
  page,
  platform,
}) => {
  const shelf = shelve(platform, await drawn(platform));
  await create(page, platform, "Dropped", shelf);
  await expect(page.getByText(`Upload finished: ${GOOD + shelf.bad.length} files`)).toBeVisible({ timeout: 120_000 });
  expect(await counts(page)).toEqual({ accepted: GOOD, duplicate: 0, rejected: shelf.bad.length, skipped: 0 });
  expect(new Set(await platform.images(taskOf(page))).size).toBe(GOOD);
  await page.getByRole("button", { name: "Show the report" }).click();
  const [csv] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Report as CSV" }).click(),
  ]);
  const rows = readFileSync(await csv.path(), "utf8")
    .trim()
    .split("\r\n")
    .slice(1);
  expect(rows).toHaveLength(GOOD + shelf.bad.length);
  const refused = rows.filter((row) => row.includes(",rejected,"));
  expect(refused.map((row) => row.split(",rejected,")[0]).sort()).toEqual(
    shelf.bad.map((name) => `shelf/${name}`).sort(),
  );
  for (const row of refused) expect(row.split(",rejected,")[1], row).not.toMatch(/^,/); // each with its reason
});

test("an upload that a reload cuts off is added again: no image is there twice", { tag: "@cut" }, async ({
  page,
  platform,
}) => {
  const shelf = shelve(platform, await drawn(platform));
  let requests = 0;
  await page.route(/\/api\/tasks\/[^/]+\/images$/, (route) =>
    route.request().method() === "POST" && ++requests > LET_THROUGH ? undefined : route.continue(),
  );
  await create(page, platform, "Cut off", shelf);
  const task = taskOf(page);
  await expect.poll(async () => (await platform.images(task)).length).toBeGreaterThan(0);
  await expect.poll(async () => (await counts(page)).accepted).toBeGreaterThan(0);
  page.on("dialog", (dialog) => dialog.accept());
  await page.reload();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await expect(page.getByText("The upload was cut off")).toBeVisible();
  const before = (await platform.images(task)).length;
  expect(before).toBeLessThan(GOOD);
  await page.getByRole("button", { name: "Add them again" }).click();
  await drop(page, page.getByText("Drop folders, pictures or zips here"), shelf.folder);
  await expect(page.getByRole("checkbox", { name: "These are all the pictures" })).toBeChecked(); // as when the upload began
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page.getByText(`Upload finished: ${GOOD + shelf.bad.length} files`)).toBeVisible({ timeout: 120_000 });
  await expect(page.locator("h1")).toContainText("Sealed");
  const after = await counts(page);
  expect(after).toEqual({ accepted: GOOD - before, duplicate: before, rejected: shelf.bad.length, skipped: 0 });
  expect(new Set(await platform.images(task)).size).toBe(GOOD);
});

test("an upload waits while the platform is away, and goes on by itself", { tag: "@cut" }, async ({
  page,
  platform,
}) => {
  const shelf = shelve(platform, await drawn(platform));
  let requests = 0;
  await page.route(/\/api\/tasks\/[^/]+\/images$/, async (route) => {
    if (route.request().method() === "POST" && ++requests === LET_THROUGH) await platform.kill();
    await route.continue();
  });
  await create(page, platform, "Away", shelf);
  await expect(page.getByText("No answer from the platform.")).toBeVisible();
  await platform.restart();
  await expect(page.getByText(`Upload finished: ${GOOD + shelf.bad.length} files`)).toBeVisible({ timeout: 150_000 });
  const { accepted = 0, duplicate = 0, rejected } = await counts(page);
  expect([accepted + duplicate, rejected]).toEqual([GOOD, shelf.bad.length]);
  expect(new Set(await platform.images(taskOf(page))).size).toBe(GOOD);
});
