import { readFileSync } from "node:fs";
import { expect, label, test } from "./fixtures";

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[] }[];
}

test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries({
    wide: { width: 1440, height: 900 },
    phone: { width: 390, height: 844 },
  })) {
    test(`axe finds nothing serious on the Label page, ${theme}, ${size}`, async ({ page, platform }) => {
      const task = await platform.task("Axe", 12, { allow_unsure: true });
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: theme });
      await label(page, platform, `axe ${theme} ${size}`, task);
      await page.keyboard.press("1");
      await page.keyboard.press("2");
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.goto(`${platform.pageUrl}/settings`);
      await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
      expect(await findings(page)).toEqual([]);
    });
  }
}

async function findings(page: import("@playwright/test").Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }).axe.run(),
  );
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
