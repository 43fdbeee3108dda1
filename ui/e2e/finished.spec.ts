import { expect, label, picture, test, vote } from "./fixtures";

test("a finished task says so, and leads to the next one and to its results", async ({ page, platform }) => {
  const finished = await platform.task("Finished", 2, { quorum: { votes_required: 1 } });
  await platform.task("Next", 2, { quorum: { votes_required: 100 } });
  await label(page, platform, "xia", finished);
  await vote(page, "1");
  await vote(page, "2");
  await expect(page.getByRole("heading", { name: "This task is finished" })).toBeVisible();
  await expect(page.getByText("You cast 2 votes today. Thank you.")).toBeVisible();
  await page.getByRole("link", { name: "Next task" }).click();
  await expect(picture(page)).toBeVisible();
  await page.goto(`${platform.pageUrl}/label/${finished}`);
  await page.getByRole("link", { name: "See the results" }).click();
  await expect(page).toHaveURL(new RegExp(`/tasks/${finished}$`));
});

test("who labels alone is told why a task goes on, and ends it by asking for one vote", async ({ page, platform }) => {
  const task = await platform.task("Alone", 2, { quorum: { votes_required: 3 } });
  await label(page, platform, "yui", task);
  await vote(page, "1");
  await vote(page, "2");
  await expect(page.getByText("If you label alone, ask for one vote in the task.")).toBeVisible({ timeout: 40_000 });
  await page.getByRole("link", { name: "Open the task" }).click();
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByLabel("Votes").fill("1");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
});
