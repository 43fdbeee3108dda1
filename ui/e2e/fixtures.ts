import { type BrowserContext, test as base, expect, type Page } from "@playwright/test";
import { Platform } from "./platform";

/** What the browser complains of while a test cuts the network or kills the platform. */
const CUT = /Failed to load resource/;

interface Worker {
  platform: Platform;
}

interface Fixtures {
  /** Everything that a page complained of: console errors, exceptions, reports of the policy. */
  complaints: string[];
}

export const test = base.extend<Fixtures, Worker>({
  platform: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the first argument
    async ({}, use) => {
      const platform = await Platform.start();
      await use(platform);
      await platform.end();
    },
    { scope: "worker" },
  ],
  complaints: [
    async ({ context }, use, testInfo) => {
      const complaints: string[] = [];
      await watch(context, complaints);
      await use(complaints);
      const isCutOff = testInfo.tags.includes("@cut");
      const real = complaints.filter((one) => !(isCutOff && CUT.test(one)));
      expect(real).toEqual([]);
    },
    { auto: true },
  ],
});

async function watch(context: BrowserContext, complaints: string[]): Promise<void> {
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
}

export { expect };

/** Opens the Label page of a task as a user. */
export async function label(page: Page, platform: Platform, user: string, taskId: string): Promise<void> {
  await page.addInitScript((name) => localStorage.setItem("quorate.who", JSON.stringify(name)), user);
  await page.goto(`${platform.pageUrl}/label/${taskId}`);
  await expect(picture(page)).toBeVisible();
}

export function picture(page: Page) {
  return page.getByRole("img", { name: "Image to label" });
}

/** Presses a label's key and waits for the next picture; returns the image that was voted on. */
export async function vote(page: Page, key: string): Promise<string> {
  const id = (await picture(page).getAttribute("data-id")) ?? "";
  await page.keyboard.press(key);
  await expect(page.locator(`img[data-id="${id}"]`)).toHaveCount(0);
  return id;
}

/** Waits until the page says that every vote is saved. */
export async function allSaved(page: Page): Promise<void> {
  await expect(page.locator("[data-waiting='0']")).toBeVisible({ timeout: 45_000 });
}

/** Opens a page as a user. */
export async function open(page: Page, platform: Platform, user: string, path: string): Promise<void> {
  await page.addInitScript((name) => localStorage.setItem("quorate.who", JSON.stringify(name)), user);
  await page.goto(platform.pageUrl + path);
}

/** Each of these users votes for their label on `most` images of a task; images reach operators a moment after upload. */
export async function voteAll(
  platform: Platform,
  task: string,
  votes: Record<string, string>,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { counts } = await platform.json("GET", `/api/tasks/${task}`);
  for (const [user, label] of Object.entries(votes)) {
    let left = Math.min(counts.images, most);
    const vote = async () => {
      const { leases } = await platform.json("POST", "/api/leases", { count: left, task_id: task }, user);
      const cast = leases.map(({ subtask_id, token }: Record<string, string>) => ({ subtask_id, token, label }));
      if (cast.length > 0) await platform.json("POST", "/api/votes", { votes: cast }, user);
      left -= cast.length;
      return left;
    };
    await expect.poll(vote, { timeout: 20_000 }).toBe(0);
  }
}
