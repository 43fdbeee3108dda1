import { join } from "node:path";
import { expect, open, test } from "./fixtures";

test("a pipeline is put together by keyboard, tried on a sample, and its task made, processed and looked at", async ({
  page,
  platform,
}) => {
  const [sample] = platform.samples();
  const file = join(platform.pictures, sample?.name ?? "");
  await open(page, platform, "client", "/tasks/new");
  const steps = page.getByRole("region", { name: "Steps before labeling" });
  const step = (name: string) => steps.getByRole("listitem", { name });
  const add = async (name: string) => {
    await steps.getByRole("button", { name: "Add a step" }).press("Enter");
    await page.getByRole("menuitem", { name }).press("Enter");
  };
  await page.getByLabel("Choose files").last().setInputFiles(file);
  await add("Grayscale");
  await expect(step("Step 1: Grayscale")).toBeFocused();
  await expect(step("Step 1: Grayscale")).toContainText("1 image");
  await add("Split into quarters");
  await expect(step("Step 2: Split into quarters").getByRole("img")).toHaveCount(4);
  await page.keyboard.press("Alt+ArrowUp");
  await expect(step("Step 1: Split into quarters")).toBeFocused();
  await expect(step("Step 2: Grayscale")).toContainText("4 images");

  await add("Crop");
  await step("Step 3: Crop").getByRole("spinbutton", { name: "Width" }).fill("0");
  await expect(step("Step 3: Crop").getByRole("alert")).toContainText("Width: from 1 to 100.");
  await step("Step 3: Crop").getByText("pixels").click();
  await step("Step 3: Crop").getByRole("spinbutton", { name: "Width" }).fill("20");
  await step("Step 3: Crop").getByRole("spinbutton", { name: "From the left" }).fill("9999");
  await expect(step("Step 3: Crop").getByRole("alert")).toContainText("no pixel in a picture");
  await step("Step 3: Crop").getByRole("button", { name: "Remove Crop" }).press("Enter");
  await expect(step("Step 2: Grayscale")).toBeFocused();
  await expect(page.getByText("for 4 images")).toBeVisible();

  await steps.getByLabel("Only do this: nobody labels").check();
  await expect(page.getByText("Nobody labels these pictures")).toBeVisible();
  await page.getByLabel("Name", { exact: true }).fill("Quarters in grey");
  await page.getByRole("button", { name: "Create and upload" }).click();
  await expect(page.locator("h1")).toContainText("Completed");
  await expect(page.getByText("First: split into quarters, grayscale. Nobody labels.")).toBeVisible();
  await expect(page.getByRole("gridcell")).toHaveCount(4);
  await page.getByRole("gridcell").last().getByRole("link").click();
  const drawer = page.getByRole("dialog");
  await expect(drawer.getByRole("img", { name: "The uploaded picture, with the place of this image" })).toBeVisible();
  await expect(drawer.getByText(/from the left and .* from the top, piece \d/)).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("x");
  const [zip] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "The pictures that were made, as a zip" }).click(),
  ]);
  expect(await zip.failure()).toBeNull();
});
