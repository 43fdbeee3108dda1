import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { allSaved, expect, open, picture, test, vote, voteAll } from "./fixtures";

const PICTURES = 6;
const MOST_TABS = 60;

/** Presses Tab until an element has the focus, which must then be seen, and not under the top bar. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement).catch(() => false)) {
      await expect(target).toBeInViewport({ ratio: 0.5 });
      return;
    }
  }
  throw new Error(`${MOST_TABS} tabs do not lead to ${target}`);
}

test("from the first question to an exported task by keyboard alone", async ({ page, platform }) => {
  await page.goto(`${platform.pageUrl}/`);
  await expect(page.getByLabel("Your name")).toBeFocused();
  await page.keyboard.type("Kim");
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("navigation", { name: "Places" }).getByRole("link", { name: "Tasks" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Tasks" })).toBeVisible();
  await page.keyboard.press("n");
  await expect(page.getByRole("heading", { name: "New task" })).toBeVisible();
  await tabTo(page, page.getByLabel("Name", { exact: true }));
  await page.keyboard.type("By keyboard");
  await tabTo(page, page.getByRole("textbox", { name: "Labels" }));
  await page.keyboard.type("red, green, blue");
  await page.keyboard.press("Enter");
  const files = platform
    .samples()
    .slice(0, PICTURES)
    .map(({ name }) => join(platform.pictures, name));
  await expect(async () => {
    await tabTo(page, page.getByRole("button", { name: "Choose files" }));
    // On a busy machine Chromium has been seen to open no chooser: a person presses once more.
    const opened = page.waitForEvent("filechooser", { timeout: 10_000 });
    const [chooser] = await Promise.all([opened, page.keyboard.press("Enter")]);
    await chooser.setFiles(files);
  }).toPass({ timeout: 90_000 });
  await expect(page.getByText(`${PICTURES} files`)).toBeVisible();
  await tabTo(page, page.getByRole("spinbutton", { name: "Votes" }));
  await page.keyboard.type("1");
  await expect(page.getByText("One person looks at each image.")).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Create and upload" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("By keyboard");
  await expect(page.getByText(`Upload finished: ${PICTURES} files`)).toBeVisible();

  await page.keyboard.press("l");
  await expect(picture(page)).toBeVisible();
  for (let index = 0; index < PICTURES; index++) await vote(page, String((index % 3) + 1));
  await expect(page.getByRole("heading", { name: /Nothing waits for you|This task is finished/ })).toBeVisible();
  await allSaved(page);

  await tabTo(page, page.getByRole("navigation", { name: "Places" }).getByRole("link", { name: "Tasks" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Completed" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("listitem").filter({ hasText: "By keyboard" })).toBeVisible();
  await tabTo(page, page.getByRole("link", { name: "By keyboard" }));
  await page.keyboard.press("Enter");
  await expect(page.locator("h1")).toContainText("Completed");
  await page.keyboard.press("x");
  await expect(page.getByRole("menu")).toBeVisible();
  await expect(async () => {
    await page.keyboard.press("ArrowDown"); // an open menu takes keys a moment later
    await expect(page.locator("[role=menuitem]:focus")).toHaveCount(1, { timeout: 500 });
  }).toPass();
  const [exported] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  const rows = readFileSync(await exported.path(), "utf8")
    .trim()
    .split("\n");
  expect(rows).toHaveLength(exported.suggestedFilename().endsWith("csv") ? PICTURES + 1 : PICTURES);
});

test("every overlay of a task opens, holds the focus and gives it back by keyboard", async ({ page, platform }) => {
  const task = await platform.task("Overlays", 4, { detector: { mode: "off" }, quorum: { votes_required: 1 } });
  await voteAll(platform, task, { ann: "red square" }, 2);
  await open(page, platform, "Kim", `/tasks/${task}`);
  await expect(page.getByRole("gridcell")).toHaveCount(4);
  const more = page.getByRole("button", { name: "More actions" });
  for (const [step, name] of ["Edit", "Who may label it", "Reopen", "Finish now", "Erase"].entries()) {
    await more.focus();
    await page.keyboard.press("Enter");
    await expect(page.locator("[role=menu]:focus, [role=menu] :focus")).toHaveCount(1); // it takes keys
    for (let down = 0; down < step; down++) await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("menuitem", { name })).toBeFocused();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    for (let tabs = 0; tabs < 12; tabs++) {
      await page.keyboard.press("Tab");
      const isInside = await page.evaluate(() => !!document.activeElement?.closest("dialog, body > :not(#root)"));
      const isBody = await page.evaluate(() => document.activeElement === document.body);
      expect(isInside || isBody, `${name}: the focus leaves the dialog`).toBe(true);
    }
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(more).toBeFocused();
  }
});
