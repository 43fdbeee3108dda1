import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { findings } from "./axe";
import { expect, open, test, voteAll } from "./fixtures";
import type { Platform } from "./platform";

test.use({ bypassCSP: true });

const SIZES = { 1440: { width: 1440, height: 900 }, 390: { width: 390, height: 844 } };
const PICTURES = join(import.meta.dirname, "../../build/ui");
let tasks: { disputed: string; half: string; empty: string } | undefined;

/** Tasks in every state, made once. */
async function made(platform: Platform): Promise<NonNullable<typeof tasks>> {
  if (tasks) return tasks;
  const twoVotes = { quorum: { votes_required: 2, max_votes: 2, stop: "exact" }, detector: { mode: "off" } };
  const disputed = await platform.task("Shelf photos, week 47", 6, twoVotes);
  await voteAll(platform, disputed, { ann: "red square", ben: "blue square" });
  const half = await platform.task("Main subject, batch 14", 24, {
    quorum: { votes_required: 3 },
    detector: { mode: "suggest" },
  });
  await voteAll(platform, half, { ann: "red square" });
  await voteAll(platform, half, { ben: "red square" }, 15);
  const more = await platform.json("POST", "/api/tasks", { name: "Not begun yet", labels: ["a", "b"] });
  tasks = { disputed, half, empty: more.id };
  return tasks;
}

/** Every page and overlay of clients, adjudicators and administrators. */
const VIEWS: Record<string, (page: Page, platform: Platform) => Promise<void>> = {
  board: async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks?state=all`);
    await expect(page.getByRole("listitem").first()).toBeVisible();
  },
  "new-task": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/new`);
    await page.getByRole("textbox", { name: "Labels" }).fill("person, animal, vehicle, vehicle");
    await page.keyboard.press("Enter");
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles([
        ...readdirSync(platform.pictures)
          .filter((name) => name.startsWith("sample"))
          .slice(0, 8)
          .map((name) => join(platform.pictures, name)),
        join(import.meta.dirname, "axe.ts"),
      ]);
    await page.getByText("will be refused: why").click();
  },
  task: async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/${(await made(platform)).half}`);
    await expect(page.getByRole("gridcell").first()).toBeVisible();
  },
  "task-menu": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/${(await made(platform)).half}`);
    await page.getByRole("button", { name: "More actions" }).click();
    await expect(page.getByRole("menu")).toBeVisible();
  },
  "task-drawer": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/${(await made(platform)).half}?state=completed`);
    await page.getByRole("gridcell").first().getByRole("link").click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
  },
  "task-edit": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/${(await made(platform)).half}`);
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Edit" }).click();
    await page.getByText("Shown as").click();
  },
  "task-empty": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/tasks/${(await made(platform)).empty}`);
    await expect(page.getByText("This task has no image yet")).toBeVisible();
  },
  disputes: async (page, platform) => {
    await made(platform);
    await page.goto(`${platform.pageUrl}/disputes`);
    await expect(page.getByRole("region", { name: "Votes" })).toBeVisible();
    await page.keyboard.press("1");
  },
  detect: async (page, platform) => {
    await page.goto(`${platform.pageUrl}/detect`);
    const sample = readdirSync(platform.pictures).find((name) => name.startsWith("sample")) ?? "";
    await page.getByLabel("Picture").setInputFiles(join(platform.pictures, sample));
    await expect(page.getByText(/Answered in/)).toBeVisible();
  },
  admin: async (page, platform) => {
    await page.goto(`${platform.pageUrl}/admin`);
    await expect(page.getByRole("table").first()).toBeVisible();
  },
};

for (const theme of ["light", "dark"] as const) {
  for (const [width, viewport] of Object.entries(SIZES)) {
    test(`axe finds nothing serious on the pages about tasks, ${theme}, ${width} px`, async ({ page, platform }) => {
      test.setTimeout(180_000);
      await made(platform);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: theme });
      await open(page, platform, "Ann Nilsen", "/settings");
      for (const [name, go] of Object.entries(VIEWS)) {
        await go(page, platform);
        await page.screenshot({ path: join(PICTURES, `${name}-${theme}-${width}.png`) });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect.soft(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
        expect.soft(await findings(page), name).toEqual([]);
      }
    });
  }
}
