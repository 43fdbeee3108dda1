/** Imports as a task has them that reads from buckets, which no test may reach; and the dialogs, as all pages are looked at. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, open } from "./fixtures";
import { tasksOf } from "./made";
import type { Platform } from "./platform";
import type { Go } from "./views";

const IMPORT = {
  id: "1a".repeat(16),
  task_id: "",
  endpoint: "https://s3.example.org",
  bucket: "photos",
  prefix: "2026/harbour/",
  region: "eu-central-1",
  has_key: true,
  state: "running",
  asked_at: new Date().toISOString(),
  ended_at: null,
  files: 1_240,
  accepted: 1_180,
  duplicates: 52,
  rejected: 8,
  skipped: 0,
  trouble: "the storage is busy: it answered with 503",
  retry_at: new Date(Date.now() + 60_000).toISOString(),
};
const ENDED = { ended_at: new Date().toISOString(), retry_at: null };

export async function withImports(page: Page): Promise<void> {
  const failed = { ...IMPORT, ...ENDED, id: "2b".repeat(16), bucket: "old", state: "failed", files: 0, accepted: 0 };
  const whole = { ...IMPORT, ...ENDED, id: "3c".repeat(16), prefix: "", state: "finished", trouble: null, rejected: 0 };
  const items = [
    IMPORT,
    { ...failed, duplicates: 0, rejected: 0, trouble: "the bucket cannot be listed: the storage answered with 403" },
    whole,
  ];
  await page.route(/\/imports$/, (route) => route.fulfill({ json: { items } }));
  const refused = [{ filename: "notes.txt", status: "rejected", reason: "not a picture" }];
  await page.route(/\/refused(\?.*)?$/, (route) => route.fulfill({ json: { items: refused, next_cursor: null } }));
}

/** Opens a deed of a task that is open, or of one that is sealed and has suggestions. */
async function asked(page: Page, platform: Platform, user: string, task: string, deed: string): Promise<void> {
  await open(page, platform, user, `/tasks/${task}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: deed }).click();
  await expect(page.getByRole("dialog", { name: deed })).toBeVisible();
}

/** Takes in a file of labels, of which one row names an image that there is not. */
export async function importLabels(page: Page, platform: Platform, user: string): Promise<void> {
  const { half } = await tasksOf(platform);
  const { items } = await platform.json("GET", `/api/tasks/${half}/images?state=open&limit=1`);
  const file = join(platform.folder, "labels.csv");
  writeFileSync(file, `filename,label,confidence\n${items[0].filename},blue square,0.9\nnowhere.png,blue square,0.5\n`);
  await asked(page, platform, user, half, "Import labels");
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByText("All rows were looked at: 2.")).toBeVisible();
  await page.getByText("Rows that were not applied: why").click();
}

export const IMPORT_VIEWS: Record<string, Go> = {
  "task-bucket": async (page, platform, user) =>
    asked(page, platform, user, (await tasksOf(platform)).empty, "Import from a bucket"),
  "task-imports": async (page, platform, user) => {
    await withImports(page);
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.getByText("What was not taken in: why").first().click();
    await expect(page.getByText("notes.txt")).toBeVisible();
  },
  "task-labels": importLabels,
};
