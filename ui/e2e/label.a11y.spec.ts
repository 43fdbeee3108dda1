import { findings } from "./axe";
import { expect, label, open, test } from "./fixtures";

test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

const MANY = ["red square", ...Array.from({ length: 120 }, (_, index) => `label ${index}`)];

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries({
    wide: { width: 1440, height: 900 },
    phone: { width: 320, height: 640 },
  })) {
    test(`axe finds nothing serious in the grid, ${theme}, ${size}`, async ({ page, platform }) => {
      const task = await platform.task("Axe rows", 24);
      const user = `axe grid ${theme} ${size}`;
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: theme });
      await label(page, platform, user, task);
      await expect(page.getByRole("button", { name: "Grid" })).toBeVisible();
      await page.keyboard.press("g");
      await page.keyboard.press("Space");
      await expect(page.getByText("not red square")).toBeVisible();
      expect(await findings(page)).toEqual([]);
      const id = await page.locator("[data-at] + [data-id]").getAttribute("data-id");
      await platform.giveBack(user, id ?? "");
      await page.keyboard.press("Enter");
      await expect(page.getByRole("region", { name: "Not counted (1)" })).toBeVisible();
      expect(await findings(page)).toEqual([]);
    });
  }
}

test("axe finds nothing serious with a hundred labels, and where a key is refused", async ({ page, platform }) => {
  const task = await platform.task("Axe labels", 4, { labels: MANY });
  await label(page, platform, "axe many", task);
  expect(await findings(page)).toEqual([]);
  await open(page, platform, "axe many", "/settings");
  await page.getByRole("button", { name: "skip: " }).click();
  await page.keyboard.press("u");
  await expect(page.getByRole("alert")).toHaveText("U is taken: unsure, where the task allows it.");
  expect(await findings(page)).toEqual([]);
});
