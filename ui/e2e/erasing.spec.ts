import type { Page } from "@playwright/test";
import { findings } from "./axe";
import { expect } from "./fixtures";
import { ADMIN, newPage, OPERATOR, signIn, takeLink, test } from "./people";

test.describe.configure({ mode: "serial" });

const LATER = { name: "Cleo Ray", password: "a third password" };

async function invited(page: Page): Promise<string> {
  await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Invitations" }).click();
  await page.getByRole("button", { name: "Invite somebody" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.getByRole("status", { name: "The link" }).textContent()) ?? "";
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  return link;
}

const erasing = (page: Page) => page.getByRole("dialog", { name: `Erase ${OPERATOR.name}?` });

test("a person is erased by their name, is out at once, and every service says when it was done", {
  tag: "@cut",
}, async ({ page, browser, accounts }) => {
  await takeLink(page, accounts.firstLink, ADMIN);
  await page.getByRole("link", { name: "Admin" }).click();
  const operator = await newPage(browser);
  await takeLink(operator, await invited(page), OPERATOR);
  await page.getByRole("link", { name: "People" }).click();
  await expect(page.getByRole("heading", { name: "Erased people" })).toHaveCount(0);
  await expect(page.getByRole("row", { name: ADMIN.name }).getByRole("button")).toHaveCount(0);

  const row = page.getByRole("row", { name: OPERATOR.name });
  await row.getByRole("button", { name: `Erase: ${OPERATOR.name}` }).click();
  await expect(erasing(page).getByRole("listitem")).toHaveCount(4);
  await erasing(page).getByRole("button", { name: "Cancel" }).click();
  await expect(row).toBeVisible();
  await row.getByRole("button", { name: `Erase: ${OPERATOR.name}` }).click();
  await page.getByLabel("Name of the person").fill("Ben");
  await page.keyboard.press("Enter");
  await expect(erasing(page).getByRole("alert")).toHaveText(`Type the name as it stands here: ${OPERATOR.name}`);
  await page.getByLabel("Name of the person").fill(OPERATOR.name);
  await page.keyboard.press("Enter");

  await expect(row).toHaveCount(0);
  const erased = page.getByRole("row", { name: /^erased-\d{8}/ });
  await expect(erased).toBeVisible();
  await expect(page.getByText("Every service has put the pseudonym in their place.")).toBeVisible({ timeout: 30_000 });
  await expect(erased.getByText("under way")).toHaveCount(0);
  await expect(erased.getByRole("cell")).toHaveCount(5);
  await expect
    .poll(async () => (await operator.request.get(`${accounts.url}/api/me`)).status(), { timeout: 5_000 })
    .toBe(401);
  await operator.reload();
  await signIn(operator, OPERATOR);
  await expect(operator.getByRole("alert")).toHaveText("The name or the password is not right.");
});

test("people erase themselves by their password", { tag: "@cut" }, async ({ page, browser, accounts }) => {
  await page.goto(`${accounts.url}/admin/people`);
  await signIn(page, ADMIN);
  const person = await newPage(browser);
  await takeLink(person, await invited(page), LATER);
  await person.goto(`${accounts.url}/account`);
  await person.getByRole("button", { name: "Erase my account" }).click();
  const dialog = person.getByRole("dialog");
  await dialog.getByRole("button", { name: "Erase for good" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("Type your password.");
  await dialog.getByLabel("Present password").fill("a wrong password");
  await person.keyboard.press("Enter");
  await expect(dialog.getByRole("alert")).toHaveText("this is not the present password");
  await dialog.getByLabel("Present password").fill(LATER.password);
  await person.keyboard.press("Enter");
  await expect(person.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await signIn(person, LATER);
  await expect(person.getByRole("alert")).toHaveText("The name or the password is not right.");
});

test.describe("with axe", () => {
  test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

  test("what asks and what is erased, in both themes and on a phone", { tag: "@cut" }, async ({
    page,
    browser,
    accounts,
  }) => {
    await page.goto(`${accounts.url}/admin/people`);
    await signIn(page, ADMIN);
    await takeLink(await newPage(browser), await invited(page), OPERATOR);
    await page.getByRole("link", { name: "People" }).click();
    await expect(page.getByRole("heading", { name: "Erased people" })).toBeVisible();
    const look = async (what: string) => {
      for (const width of [1440, 390, 320]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect.soft(wide, `${what} scrolls sideways at ${width} px`).toBeLessThanOrEqual(0);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          expect.soft(await findings(page), `${what}, ${width} px, ${colorScheme}`).toEqual([]);
        }
      }
    };
    await look("people");
    await page.getByRole("button", { name: `Erase: ${OPERATOR.name}` }).click();
    await page.getByRole("button", { name: "Erase for good" }).click();
    await expect(erasing(page).getByRole("alert")).toBeVisible();
    await look("asked");
    await page.goto(`${accounts.url}/account`);
    await page.getByRole("button", { name: "Erase my account" }).click();
    await look("asked for oneself");
  });
});
