/** The pictures of README and of docs/page.md, made of the sample pictures; each has to stay small. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "./fixtures";
import { VIEWS } from "./views";

const FOLDER = join(import.meta.dirname, "../../docs/images");
const MOST_BYTES = 300_000;

for (const name of ["label", "task", "disputes"]) {
  test(`the picture of ${name}`, async ({ page, platform }) => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await VIEWS[name]?.(page, platform, "Ann Nilsen");
    await page.waitForLoadState("networkidle");
    const path = join(FOLDER, `${name}.png`);
    await page.screenshot({ path });
    expect(statSync(path).size).toBeLessThan(MOST_BYTES);
  });
}
