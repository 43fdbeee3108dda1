/** How much script an address loads. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";

const DIST = join(import.meta.dirname, "../../shared/page/dist");

/** The kilobytes, compressed by gzip, of all scripts that a page has loaded so far. */
export async function scriptKb(page: Page): Promise<number> {
  const names = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map(({ name }) => new URL(name).pathname)
      .filter((path) => path.endsWith(".js")),
  );
  return [...new Set(names)].reduce((sum, path) => sum + statSync(join(DIST, `${path}.gz`)).size, 0) / 1000;
}
