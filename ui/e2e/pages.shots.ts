/** Pictures of every page, state and theme for people to look at, in `build/ui/`; they assert only that each is shown. */
import { join } from "node:path";
import { test } from "./fixtures";
import { VIEWS } from "./views";

const FOLDER = join(import.meta.dirname, "../../build/ui");
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
  { width: 320, height: 640 },
];

for (const [name, go] of Object.entries(VIEWS)) {
  test(`screenshots of ${name}`, { tag: "@cut" }, async ({ page, platform }) => {
    await go(page, platform, "Ann Nilsen");
    for (const viewport of SIZES) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}-${viewport.width}.png`) });
      }
    }
  });
}
