import type { Page } from "@playwright/test";
import { allSaved, expect, label, open, picture, test, vote } from "./fixtures";
import { LABELS, type Platform } from "./platform";

const ROW = 8;
const tiles = (page: Page) => page.getByRole("gridcell");
const row = (page: Page, label: string) => page.getByRole("grid", { name: label });
const current = (page: Page) => page.locator("[data-at]");
const idsIn = (page: Page, label: string) =>
  row(page, label)
    .getByRole("gridcell")
    .evaluateAll((all) => all.map((tile) => (tile as HTMLElement).dataset.id ?? ""));

/** Opens the grid of a task once its rows no longer grow. */
async function openGrid(page: Page, platform: Platform, user: string, task: string): Promise<void> {
  await label(page, platform, user, task);
  await expect(page.getByRole("button", { name: "Grid" })).toBeVisible();
  await page.keyboard.press("g");
  await expect(row(page, "red square").getByRole("gridcell")).toHaveCount(ROW);
  await expect(row(page, "blue square").getByRole("gridcell")).toHaveCount(ROW);
}

async function votesOf(platform: Platform, task: string, user: string): Promise<Map<string, string | null>> {
  const votes = [...(await platform.votes(task))].flatMap(([id, all]) =>
    all.filter(({ voter }) => voter === user).map((one) => [id, one.label] as const),
  );
  return new Map(votes);
}

test("a row is voted in one request without what is marked, which then comes one at a time", async ({
  page,
  platform,
}) => {
  const task = await platform.task("Rows", 48);
  await openGrid(page, platform, "gia", task);
  const [first = "", second = "", ...rest] = await idsIn(page, "red square");
  const requests: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/api/votes")) requests.push(request.postData() ?? "");
  });
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await expect(row(page, "red square").getByText("not red square")).toHaveCount(2);
  await page.keyboard.press("Enter");
  for (const id of [first, second, ...rest]) await expect(page.locator(`[data-id="${id}"]`)).toHaveCount(0);
  await page.keyboard.press("g");
  await expect(picture(page)).toHaveAttribute("data-id", first);
  await vote(page, "3");
  await expect(picture(page)).toHaveAttribute("data-id", second);
  await allSaved(page);
  expect(JSON.parse(requests[0] ?? "").votes).toHaveLength(rest.length);
  const expected = [...rest.map((id) => [id, "red square"] as const), [first, "blue square"] as const];
  expect(await votesOf(platform, task, "gia")).toEqual(new Map(expected));
  const [ofRow] = (await platform.votes(task)).get(rest[0] ?? "") ?? [];
  expect(ofRow).toMatchObject({ mode: "grid", took_ms: null });
  const [alone] = (await platform.votes(task)).get(first) ?? [];
  expect(alone).toMatchObject({ mode: "single", took_ms: expect.any(Number) });
});

test("rows are undone while they wait, and once they are counted", async ({ page, platform }) => {
  const task = await platform.task("Undone rows", 48);
  await openGrid(page, platform, "hue", task);
  const before = await idsIn(page, "red square");
  await page.keyboard.press("Enter");
  await expect(page.locator(`[data-id="${before[0]}"]`)).toHaveCount(0);
  await page.keyboard.press("z");
  await expect.poll(() => idsIn(page, "red square")).toEqual(before);
  await expect(current(page)).toHaveAttribute("data-id", before[0] ?? "");
  await page.keyboard.press("Enter");
  await allSaved(page);
  expect((await votesOf(platform, task, "hue")).size).toBe(ROW);
  await page.keyboard.press("z");
  await expect.poll(() => idsIn(page, "red square")).toEqual(before);
  expect(await votesOf(platform, task, "hue")).toEqual(new Map());
});

test("another label by its key, and all rows at once", async ({ page, platform }) => {
  const task = await platform.task("All rows", 48);
  await openGrid(page, platform, "ivo", task);
  const [first = "", second = ""] = await idsIn(page, "red square");
  await page.keyboard.press("2");
  await expect(current(page)).toHaveAttribute("data-id", second);
  const shown = await Promise.all(LABELS.map((one) => idsIn(page, one)));
  await page.keyboard.press("Shift+Enter");
  await allSaved(page);
  const expected = shown.flatMap((ids, index) => ids.map((id) => [id, LABELS[index] ?? ""] as const));
  expect(await votesOf(platform, task, "ivo")).toEqual(new Map([[first, "green square"], ...expected]));
});

test("arrows move among pictures, Tab goes from row to row, and keys work with the focus anywhere", async ({
  page,
  platform,
}) => {
  const task = await platform.task("Focus", 48);
  await openGrid(page, platform, "jil", task);
  const [red, green] = [await idsIn(page, "red square"), await idsIn(page, "green square")];
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(`[data-id="${red[1]}"]`)).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.locator(`[data-id="${green[0]}"]`)).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(page.locator(`[data-id="${red[0]}"]`)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator(`[data-id="${green[0]}"]`)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator(`[data-id="${red[0]}"]`)).toBeFocused();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("Space");
  await expect(row(page, "red square").getByText("not red square")).toHaveCount(1);
  await page.getByRole("button", { name: "All keys" }).focus();
  await page.keyboard.press("Enter"); // the button's, not the row's
  await expect(page.getByRole("dialog", { name: "Keys" })).toContainText("vote the row");
  await page.keyboard.press("Escape");
  expect(await idsIn(page, "red square")).toEqual(red);
});

test("the grid is offered only where the detector suggests something", async ({ page, platform }) => {
  const task = await platform.task("Silent", 4, { labels: ["cat", "dog"] });
  await label(page, platform, "kai", task);
  await expect(page.getByText("Silent")).toBeVisible(); // the task is known
  await expect(page.getByRole("button", { name: "Grid" })).toHaveCount(0);
  await page.keyboard.press("g");
  await expect(picture(page)).toBeVisible();
  await open(page, platform, "kai", `/label/${task}?mode=grid`);
  await expect(page.getByRole("heading", { name: "The detector has no suggestion here" })).toBeVisible();
  await page.getByRole("button", { name: "Label one by one" }).click();
  await expect(picture(page)).toBeVisible();
});

test("what is not counted of a row stays in the grid with the reason", async ({ page, platform }) => {
  const task = await platform.task("Partial", 48);
  await openGrid(page, platform, "lou", task);
  const ids = await idsIn(page, "red square");
  await platform.giveBack("lou", ids[2] ?? "");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Not counted (1)" }).locator("figure")).toHaveCount(1);
  await allSaved(page);
  expect((await votesOf(platform, task, "lou")).size).toBe(ids.length - 1);
  await page.getByRole("button", { name: "Clear the list" }).click();
  await expect(page.getByRole("region", { name: "Not counted (1)" })).toHaveCount(0);
});

test("rows voted without a connection outlive a reload", { tag: "@cut" }, async ({ context, page, platform }) => {
  const task = await platform.task("Cut rows", 48);
  await openGrid(page, platform, "mia", task);
  const shown = await Promise.all(["red square", "blue square"].map((one) => idsIn(page, one)));
  await context.setOffline(true);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator(`[data-waiting='${shown.flat().length}'][data-writing='false']`)).toBeVisible();
  await context.setOffline(false);
  await page.reload();
  await expect(tiles(page).first()).toBeVisible();
  await allSaved(page);
  const votes = await votesOf(platform, task, "mia");
  expect(new Set(votes.keys())).toEqual(new Set(shown.flat()));
});
