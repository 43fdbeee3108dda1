import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[] }[];
}

interface Axe {
  run(options: { runOnly?: string[]; resultTypes: string[] }): Promise<{ violations: Finding[] }>;
}

/**
 * What axe finds on a page that is serious or critical, by all rules or by some; its context must bypass the policy, for
 * axe is put in.
 */
export async function findings(page: Page, runOnly?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const found = await page.evaluate(
    (options) => (globalThis as unknown as { axe: Axe }).axe.run(options),
    { resultTypes: ["violations"], ...(runOnly ? { runOnly } : {}) }, // selectors of what passes cost most of the time
  );
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
