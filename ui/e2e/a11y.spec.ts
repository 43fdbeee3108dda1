import { findings } from "./axe";
import { expect, test } from "./fixtures";
import { STATES } from "./states";
import { VIEWS } from "./views";

test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

/** 720 px is a screen of 1440 px at 200 % zoom. A state that passes has the same parts on a phone: axe sees it once. */
const SIZES = [
  { width: 1440, height: 900, axe: "all" },
  { width: 720, height: 450, axe: "none" },
  { width: 390, height: 844, axe: "views" },
  { width: 320, height: 640, axe: "none" },
];

/** `make test-ui` asks for the states that pass quickly or come of trouble, too: they take half of the time. */
const ALL = process.env.QUORATE_AXE === "all" ? { ...VIEWS, ...STATES } : VIEWS;

for (const [name, go] of Object.entries(ALL)) {
  test(`${name}: nothing serious for axe in both themes, nothing lost at 320 px or 200 % zoom`, {
    tag: "@cut",
  }, async ({ page, platform }) => {
    await go(page, platform, `axe ${name}`);
    for (const { axe, ...viewport } of SIZES) {
      await page.setViewportSize(viewport);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(wide, `scrolls sideways at ${viewport.width} px`).toBeLessThanOrEqual(0);
      if (axe === "none" || (axe === "views" && !(name in VIEWS))) continue;
      await page.emulateMedia({ colorScheme: "light" });
      expect.soft(await findings(page), `${viewport.width} px, light`).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" }); // which changes colours and nothing else
      expect.soft(await findings(page, ["color-contrast"]), `${viewport.width} px, dark`).toEqual([]);
    }
  });
}
