/** People with accounts in their browsers, on a platform of their own. */
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { AccountsPlatform } from "./accountsPlatform";
import { test as base, expect } from "./fixtures";

interface Worker {
  accounts: AccountsPlatform;
}

export const test = base.extend<object, Worker>({
  accounts: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the first argument
    async ({}, use) => {
      const platform = await AccountsPlatform.start();
      await use(platform);
      await platform.end();
    },
    { scope: "worker" },
  ],
});

export const ADMIN = { name: "Ann Nilsen", password: "a long password" };
export const OPERATOR = { name: "Ben Okoro", password: "another password" };

export type Who = typeof ADMIN;

export async function fill(page: Page, { name, password }: Who): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
}

export async function signIn(page: Page, who: Who): Promise<void> {
  await fill(page, who);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Takes a link as a new person. */
export async function takeLink(page: Page, link: string, who: Who): Promise<void> {
  await page.goto(link);
  await fill(page, who);
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("button", { name: /, account$/ })).toBeVisible();
}

export async function choose(page: Page, item: string): Promise<void> {
  await page.getByRole("button", { name: /, account$/ }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

export const places = (page: Page) =>
  page.getByRole("navigation", { name: "Places" }).getByRole("link").allTextContents();

/** Notes requests to the API that a platform with accounts refuses, or that another site could make. */
export function watchHeaders(context: BrowserContext, wrong: string[]): void {
  context.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith("/api/")) return;
    const headers = request.headers();
    if ("x-quorate-user" in headers) wrong.push(`${pathname} names a user`);
    if (request.method() !== "GET" && headers["x-quorate-request"] !== "1")
      wrong.push(`${pathname} does not say who asks`);
  });
}

export async function newPage(browser: Browser, wrong: string[] = []): Promise<Page> {
  const context = await browser.newContext();
  watchHeaders(context, wrong);
  return context.newPage();
}
