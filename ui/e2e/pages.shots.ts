/** Pictures of every page, state and theme for people to look at, in `build/ui/`; they assert only that each is shown. */
import { join } from "node:path";
import { test } from "./fixtures";
import { STATES } from "./states";
import { VIEWS } from "./views";

const FOLDER = join(import.meta.dirname, "../../build/ui");
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
  { width: 320, height: 640 },
];

/** Whether every picture on the screen is there, or known to be missing. */
function allPicturesShown(): boolean {
  const isSeen = ({ top, bottom }: DOMRect) => bottom > 0 && top < innerHeight;
  return [...document.images].every((one) => one.complete || !isSeen(one.getBoundingClientRect()));
}

for (const [name, go] of Object.entries({ ...VIEWS, ...STATES })) {
  test(`screenshots of ${name}`, { tag: "@cut" }, async ({ page, platform }) => {
    await go(page, platform, "Ann Nilsen");
    for (const viewport of SIZES) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.waitForFunction(allPicturesShown);
        await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}-${viewport.width}.png`) });
      }
    }
  });
}
