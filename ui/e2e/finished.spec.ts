import { expect, label, open, picture, test, vote } from "./fixtures";
import { doubtedTask } from "./made";

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

test("estimates are asked for on a task's page, and what one doubts goes to the adjudicators by one click", async ({
  page,
  platform,
}) => {
  const task = await doubtedTask(platform, "Doubted");
  await open(page, platform, "client", `/tasks/${task}`);
  await page.getByRole("link", { name: "Consensus" }).click();
  await expect(page.getByText("Nothing was estimated yet.")).toBeVisible();
  await page.getByRole("button", { name: "Estimate" }).click();
  const methods = page.getByRole("region", { name: "Methods side by side" }).last();
  const row = methods.getByRole("row").filter({ hasText: "Dawid-Skene" });
  await expect(row).toBeVisible({ timeout: 60_000 });
  const send = row.getByRole("button", { name: /^Send [1-9]/ });
  const count = Number(/\d+/.exec((await send.textContent()) ?? "")?.[0]);
  await expect(page.locator("main li img").first()).toBeVisible();
  await send.click();
  await expect(row.getByText(`${count} image${count === 1 ? "" : "s"} sent`)).toBeVisible({ timeout: 30_000 });
  await page.reload();
  await expect(row.getByText("sent")).toBeVisible();
  await expect(send).toHaveCount(0);
  await open(page, platform, "judge", `/disputes?task=${task}`);
  await expect(page.getByText("It stays until you decide.")).toBeVisible({ timeout: 30_000 });
});

test("an admin counts how operators vote", async ({ page, platform }) => {
  await doubtedTask(platform, "Operators at work");
  await open(page, platform, "chief", "/admin/operators");
  await page.getByRole("button", { name: "Count anew" }).click();
  await expect(page.getByText(/votes on .* images, counted/)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("region", { name: "Operators" }).getByRole("row").nth(1)).toBeVisible();
});
