import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, label, open, picture, test, vote } from "./fixtures";
import type { Platform } from "./platform";

async function settings(page: Page, platform: Platform, user: string): Promise<void> {
  await open(page, platform, user, "/settings");
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
}

const keyOf = (page: Page, what: string) => page.getByRole("button", { name: `${what}: ` });

/** Presses a key's button, and then the key. */
async function bind(page: Page, what: string, key: string): Promise<void> {
  await keyOf(page, what).focus();
  await page.keyboard.press("Enter");
  await expect(keyOf(page, what)).toHaveText("Press a key");
  await page.keyboard.press(key);
}

test("a key that is changed works on the Label page and is shown there", async ({ page, platform }) => {
  const task = await platform.task("Own keys", 8, { allow_unsure: true });
  await settings(page, platform, "nia");
  await bind(page, "unsure, where the task allows it", "q");
  await expect(keyOf(page, "unsure, where the task allows it")).toHaveText("Q");
  await label(page, platform, "nia", task);
  await expect(page.getByRole("button", { name: "Unsure Q" })).toBeVisible();
  const id = await vote(page, "q");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" }).getByText("Q", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("z");
  await expect(picture(page)).toHaveAttribute("data-id", id);
  await page.keyboard.press("u"); // a label's key now, and there are three labels
  await expect(picture(page)).toHaveAttribute("data-id", id);
});

test("keys that are taken, the browser's or the labels' are refused by name", async ({ page, platform }) => {
  await settings(page, platform, "oda");
  const said = page.getByRole("alert").filter({ hasText: /./ });
  await bind(page, "unsure, where the task allows it", "s");
  await expect(said).toHaveText("S is taken: skip: somebody else gets the image.");
  await page.keyboard.press("Control+t");
  await expect(said).toHaveText("T belongs to the browser, or to moving about the page.");
  await page.keyboard.press("4");
  await expect(said).toHaveText("4 chooses a label.");
  await page.keyboard.press("Escape");
  await expect(keyOf(page, "unsure, where the task allows it")).toHaveText("U");
  await bind(page, "unsure, where the task allows it", "Tab");
  await expect(keyOf(page, "unsure, where the task allows it")).toHaveText("U");
  await expect(keyOf(page, "unsure, where the task allows it")).not.toBeFocused();
});

test("one key is reset, unless another has taken its old one, and all are", async ({ page, platform }) => {
  await settings(page, platform, "pia");
  await bind(page, "unsure, where the task allows it", "q");
  await bind(page, "skip: somebody else gets the image", "u");
  await page.getByRole("button", { name: "Reset unsure" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "U is taken" })).toBeVisible();
  await page.getByRole("button", { name: "Reset skip" }).click();
  await page.getByRole("button", { name: "Reset unsure" }).click();
  await expect(keyOf(page, "unsure, where the task allows it")).toHaveText("U");
  await bind(page, "unsure, where the task allows it", "q");
  await page.getByRole("button", { name: "Reset all keys" }).click();
  await expect(keyOf(page, "unsure, where the task allows it")).toHaveText("U");
});

test("settings are saved as a file and read from it; a hostile one changes nothing", async ({ page, platform }) => {
  await settings(page, platform, "quin");
  await page.getByRole("radio", { name: "Left of the picture" }).check();
  await page.getByRole("slider", { name: "Images ahead" }).fill("25");
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as a file" }).click();
  const saved = await readFile(await (await saving).path());
  const load = (content: Buffer | string) =>
    page
      .getByLabel("Read a file")
      .last()
      .setInputFiles({
        name: "settings.json",
        mimeType: "application/json",
        buffer: Buffer.from(content),
      });
  await page.getByRole("radio", { name: "Right of the picture" }).check();
  for (const [content, said] of [
    ["</script><script>alert(1)</script>", "This file is not JSON."],
    ['{"kind": "</script>"}', "This file holds no settings of Quorate."],
    [
      '{"kind": "quorate-settings", "settings": {"hand": "</script>", "ahead": 9e9}}',
      "Nothing was taken from this file, because these can't be: Labels, Images ahead.",
    ],
    ["x".repeat(20_000), "This file is too large to hold settings."],
  ] as const) {
    await load(content);
    await expect(page.getByText(said)).toBeVisible();
    await expect(page.getByRole("radio", { name: "Right of the picture" })).toBeChecked();
  }
  await load(saved);
  await expect(page.getByText("These settings are yours now.")).toBeVisible();
  await expect(page.getByRole("radio", { name: "Left of the picture" })).toBeChecked();
  await expect(page.getByRole("slider", { name: "Images ahead" })).toHaveValue("25");
});

test("labels stand on the side of the hand, and the page shows more contrast and no motion", async ({
  page,
  platform,
}) => {
  const task = await platform.task("Left hand", 4);
  await settings(page, platform, "roy");
  const token = (name: string) =>
    page.evaluate((one) => getComputedStyle(document.documentElement).getPropertyValue(one), name);
  const soft = await token("--ink-2");
  await page.getByRole("group", { name: "Contrast" }).getByRole("radio", { name: "More" }).check();
  expect(await token("--ink-2")).not.toBe(soft);
  await page.getByRole("group", { name: "Motion" }).getByRole("radio", { name: "None" }).check();
  expect(await token("--quick")).toMatch(/^0m?s$/);
  const left = async () => (await page.getByRole("complementary", { name: "Labels" }).boundingBox())?.x;
  await label(page, platform, "roy", task);
  expect(await left()).toBeGreaterThan(700);
  await settings(page, platform, "roy");
  await page.getByRole("radio", { name: "Left of the picture" }).check();
  await label(page, platform, "roy", task);
  expect(await left()).toBe(0);
});
