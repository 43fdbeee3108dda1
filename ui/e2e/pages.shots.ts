/** Pictures of the pages for people to look at, in `build/ui/`; they assert nothing but that the pages can be shown. */
import { join } from "node:path";
import { allSaved, expect, label, picture, test, vote } from "./fixtures";

const FOLDER = join(import.meta.dirname, "../../build/ui");
const SIZES = {
  1440: { width: 1440, height: 900 },
  390: { width: 390, height: 844 },
  320: { width: 320, height: 640 },
};

for (const theme of ["light", "dark"] as const) {
  for (const [name, viewport] of Object.entries(SIZES)) {
    test(`screenshots, ${theme}, ${name} px`, { tag: "@cut" }, async ({ context, page, platform }) => {
      const user = `Ann ${theme} ${name}`;
      const shot = (what: string) => page.screenshot({ path: join(FOLDER, `${what}-${theme}-${name}.png`) });
      const task = await platform.task("Main colour, batch 14", 16, { allow_unsure: true });
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${platform.pageUrl}/label`);
      await expect(page.getByRole("heading", { name: "Who is labeling?" })).toBeVisible();
      await shot("who");
      await label(page, platform, user, task);
      for (const key of ["1", "2", "3", "u", "1"]) await vote(page, key);
      await allSaved(page);
      await shot("label");
      await page.keyboard.press("?");
      await shot("keys");
      await page.keyboard.press("Escape");
      await context.setOffline(true);
      await vote(page, "2");
      await shot("label-offline");
      await context.setOffline(false);
      await allSaved(page);
      while (await picture(page).isVisible()) await page.keyboard.press("3");
      await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();
      await shot("label-empty");
      await page.goto(`${platform.pageUrl}/settings`);
      await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
      await shot("settings");
    });
  }
}
