import { allSaved, expect, label, picture, test } from "./fixtures";

const MANY = ["red square", ...Array.from({ length: 150 }, (_, index) => `label ${index}`)];

test("one of many labels is found by its name, voted by Enter, and then stands among the recent ones", async ({
  page,
  platform,
}) => {
  const task = await platform.task("Many labels", 6, { labels: MANY });
  await label(page, platform, "wim", task);
  const first = (await picture(page).getAttribute("data-id")) ?? "";
  await expect(page.getByRole("button", { name: "label 149" })).toHaveCount(0); // far from the screen
  await page.keyboard.press("/");
  await page.keyboard.type("label 14");
  await expect(page.getByText("11 labels. Enter votes label 14.")).toBeAttached();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(picture(page)).not.toHaveAttribute("data-id", first);
  await expect(page.getByRole("group", { name: "Recent" }).getByRole("button")).toHaveText(["label 141"]);
  await page.keyboard.press("1"); // keys work again: the field has let the focus go
  await expect(page.getByRole("group", { name: "Recent" }).getByRole("button")).toHaveCount(2);
  await allSaved(page);
  const votes = [...(await platform.votes(task)).values()].flat().map((one) => one.label);
  expect(votes.sort()).toEqual(["label 141", "red square"]);
});
