import type { Page } from "@playwright/test";
import type { AccountsPlatform } from "./accountsPlatform";
import { findings } from "./axe";
import { test as base, expect } from "./fixtures";
import { OidcProvider } from "./oidcProvider";

interface Worker {
  provider: OidcProvider;
  accounts: AccountsPlatform;
}

const test = base.extend<object, Worker>({
  provider: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the first argument
    async ({}, use) => {
      const provider = await OidcProvider.start();
      await use(provider);
      provider.end();
    },
    { scope: "worker" },
  ],
  accounts: [
    async ({ provider }, use) => {
      const platform = await provider.platform();
      await use(platform);
      await platform.end();
    },
    { scope: "worker" },
  ],
});

const leave = (page: Page) => page.getByRole("button", { name: "Sign in with Example" }).click();

/** Signs in at the provider's own page. */
async function signInThere(page: Page, provider: OidcProvider, subject: string): Promise<void> {
  await expect(page).toHaveURL((url) => url.origin === provider.url);
  await page.locator("input[name=sub]").fill(subject);
  await page.locator("input[name=sub]").press("Enter");
}

test("whoever signs in with the provider is where they wanted to be", { tag: "@cut" }, async ({
  page,
  provider,
  accounts,
}) => {
  await provider.knows("bea@id", { name: "Bea Lind", groups: ["labelers"] });
  await page.goto(`${accounts.url}/settings?a=b`);
  await leave(page);
  await signInThere(page, provider, "bea@id");
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await expect(page).toHaveURL(`${accounts.url}/settings?a=b`);
  await page.reload();
  await expect(page.getByRole("button", { name: /: Bea Lind, account$/ })).toBeVisible();
  await page.goto(`${accounts.url}/account`);
  await expect(page.getByRole("heading", { name: "Bea Lind" })).toBeVisible();
  await expect(page.getByLabel("Present password")).toHaveCount(0);
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("whoever has no role here reads so", { tag: "@cut" }, async ({ page, provider, accounts }) => {
  await provider.knows("guest@id", { name: "Guest", groups: [] });
  await page.goto(accounts.url);
  await leave(page);
  await signInThere(page, provider, "guest@id");
  await expect(page.getByRole("alert")).toHaveText(
    "Example knows you, but you have no role here: ask an admin of your team for one.",
  );
  await expect(page).toHaveURL(`${accounts.url}/sign-in/return`);
  await page.getByRole("link", { name: "Back to signing in" }).click();
  await expect(page.getByRole("button", { name: "Sign in with Example" })).toBeVisible();
});

test("an answer that was refused, or is nobody's, signs nobody in and shows nothing of its own", {
  tag: "@cut",
}, async ({ page, accounts }) => {
  await page.goto(`${accounts.url}/sign-in/return?error=access_denied&error_description=Call+us&state=x`);
  await expect(page.getByRole("alert")).toHaveText(
    "Example did not sign you in: you stopped there, or it did not allow it.",
  );
  await expect(page.getByText("Call us")).toHaveCount(0);
  await page.goto(`${accounts.url}/sign-in/return?code=c&state=s`);
  await expect(page.getByRole("alert")).toHaveText(
    "This sign-in did not begin in this browser, or too long ago: begin again.",
  );
  await page.goto(`${accounts.url}/sign-in/return`);
  await expect(page).toHaveURL(`${accounts.url}/sign-in`);
});

test.describe("with axe", () => {
  test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

  test("nothing serious in both themes", { tag: "@cut" }, async ({ page, accounts }) => {
    for (const [path, what] of [
      ["/sign-in", page.getByRole("button", { name: "Sign in with Example" })],
      ["/sign-in/return?code=c&state=s", page.getByRole("alert")],
    ] as const) {
      await page.goto(accounts.url + path);
      await expect(what).toBeVisible();
      for (const width of [1440, 390, 320]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect.soft(wide, `${path} scrolls sideways at ${width} px`).toBeLessThanOrEqual(0);
        await page.emulateMedia({ colorScheme: "light" });
        expect.soft(await findings(page), `${path}, ${width} px, light`).toEqual([]);
        await page.emulateMedia({ colorScheme: "dark" });
        expect.soft(await findings(page, ["color-contrast"]), `${path}, ${width} px, dark`).toEqual([]);
      }
    }
  });
});
