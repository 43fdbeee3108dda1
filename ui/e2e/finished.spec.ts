import { expect, label, picture, test, vote } from "./fixtures";

test("a finished task says so, and leads to the next one", async ({ page, platform }) => {
  const finished = await platform.task("Finished", 2, { quorum: { votes_required: 1 } });
  await platform.task("Next", 2, { quorum: { votes_required: 100 } });
  await label(page, platform, "xia", finished);
  await vote(page, "1");
  await vote(page, "2");
  await expect(page.getByRole("heading", { name: "This task is finished" })).toBeVisible();
  await expect(page.getByText("You cast 2 votes today. Thank you.")).toBeVisible();
  await page.getByRole("link", { name: "Next task" }).click();
  await expect(picture(page)).toBeVisible();
});
