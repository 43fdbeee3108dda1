/** What comes from outside stays text, and what an operator must not know is not there. */
import type { Page } from "@playwright/test";
import { allSaved, expect, label, open, test, vote, voteAll } from "./fixtures";

const MARKUP = "<img src=x onerror=alert(1)>";
const TERMS = {
  labels: [MARKUP, "blue square", "{{7*7}} javascript:alert(1)"],
  instructions: `${MARKUP}\n<script>alert(1)</script>`,
};

/** Elements that text from outside would have become. */
function made(page: Page): Promise<number> {
  return page.locator("img[src='x'], [onerror], script:not([src])").count();
}

test("names, labels, instructions, file names and reasons with markup are text on every page", async ({
  page,
  platform,
}) => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => dialogs.push(dialog.message()));
  const pictures = platform.samples().map((one, number) => ({ ...one, name: `${MARKUP} ${number}.png` }));
  const open_task = await platform.taskOf(`Open ${MARKUP}`, pictures.slice(0, 6), TERMS);
  const ended = await platform.taskOf(`Ended ${MARKUP}`, pictures.slice(6, 8), {
    ...TERMS,
    quorum: { votes_required: 2, max_votes: 2, stop: "exact" },
    detector: { mode: "off" },
  });
  await voteAll(platform, ended, { [MARKUP]: MARKUP, "</script>": "blue square" });

  await label(page, platform, MARKUP, open_task);
  await expect(page.getByRole("button", { name: `1 ${MARKUP}` })).toBeVisible();
  await expect(
    page
      .getByText(`${MARKUP} 0.png`)
      .or(page.getByText(/onerror.* \d\.png/))
      .first(),
  ).toBeVisible();
  await page.keyboard.press("i");
  await expect(page.getByRole("dialog")).toContainText("<script>alert(1)</script>");
  expect(await made(page)).toBe(0);
  await page.keyboard.press("Escape");
  await vote(page, "1");
  await expect(page.getByRole("button", { name: `1 ${MARKUP} Undo` })).toBeVisible();
  await allSaved(page);

  await open(page, platform, MARKUP, "/tasks");
  await expect(page.getByText(`Open ${MARKUP}`)).toBeVisible();
  expect(await made(page)).toBe(0);

  await open(page, platform, MARKUP, `/tasks/${ended}`);
  await page.getByText("Instructions").click();
  await page.getByRole("gridcell").first().getByRole("link").click();
  await expect(page.getByRole("dialog").getByText("blue square").first()).toBeVisible();
  expect(await made(page)).toBe(0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await expect(page.getByRole("dialog").getByLabel("Name", { exact: true })).toHaveValue(`Ended ${MARKUP}`);
  expect(await made(page)).toBe(0);

  await open(page, platform, MARKUP, `/disputes?task=${ended}`);
  await expect(page.getByRole("region", { name: "Votes" })).toContainText("</script>");
  await expect(page.getByText(MARKUP).first()).toBeVisible();
  expect(await made(page)).toBe(0);
  expect(dialogs).toEqual([]);
});

test("the Label screens never ask for, hold or show others' votes of an open image", async ({ page, platform }) => {
  const task = await platform.task("Blind", 12, { quorum: { votes_required: 5 }, detector: { mode: "off" } });
  await voteAll(platform, task, { "somebody else": "red square" });
  const asked = new Set<string>();
  const told: string[] = [];
  page.on("response", async (answer) => {
    const { pathname } = new URL(answer.url());
    if (!pathname.startsWith("/api/")) return;
    asked.add(`${answer.request().method()} ${pathname.replaceAll(/[0-9a-f]{32}/g, "ID")}`);
    told.push(await answer.text().catch(() => ""));
  });
  await label(page, platform, "one operator", task);
  for (let index = 0; index < 6; index++) await vote(page, "1");
  await page.keyboard.press("s");
  await page.keyboard.press("z");
  await allSaved(page);
  await page.waitForLoadState("networkidle");
  const reads = /^GET \/api\/(me|me\/\w+|session|work|tasks\/ID|renditions\/[^/]+\/[^/]+)$/;
  const writes = /^(PUT \/api\/me\/preferences|POST \/api\/(leases|leases\/renew|votes)|DELETE .*)$/;
  expect([...asked].filter((one) => !reads.test(one) && !writes.test(one))).toEqual([]);
  expect(told.length).toBeGreaterThan(2);
  expect(told.filter((text) => /somebody else|"(tally|agreement|voter)"/.test(text))).toEqual([]);
  expect(await page.content()).not.toContain("somebody else");
});
