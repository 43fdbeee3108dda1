import { expect, test } from "./fixtures";
import { importLabels } from "./imports";

test("a file of labels is taken in, and each row that was not applied says why", async ({ page, platform }) => {
  await importLabels(page, platform, "client");
  const report = page.getByRole("region", { name: "Report" });
  await expect(report).toContainText(/1 (applied|there already)/);
  await expect(report).toContainText("3: nowhere.png"); // its line in the file;
});
