import type { Page } from "@playwright/test";
import { findings } from "./axe";
import { expect } from "./fixtures";
import { ADMIN, choose, fill, newPage, OPERATOR, places, signIn, test, watchHeaders } from "./people";

test.describe.configure({ mode: "serial" });

test("from the first start to an operator at work and a program with a key", { tag: "@cut" }, async ({
  page,
  browser,
  accounts,
  request,
}) => {
  const wrong: string[] = [];
  watchHeaders(page.context(), wrong);

  await page.goto(`${accounts.url}/tasks`);
  await expect(page.getByText("Nobody has an account here yet.")).toBeVisible();

  await page.goto(accounts.firstLink);
  await expect(page.getByRole("heading", { name: "Set up Quorate" })).toBeVisible();
  await fill(page, { ...ADMIN, password: "short" });
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("alert")).toHaveText("A password has at least 8 characters.");
  await fill(page, ADMIN);
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("link", { name: "Admin" })).toBeVisible();
  expect(await places(page)).toEqual(["Label", "Tasks", "Disputes", "Recognise", "Detect", "Admin"]);

  await page.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("link", { name: "Invitations" }).click();
  await page.getByRole("button", { name: "Invite somebody" }).click();
  await expect(page.getByRole("checkbox", { name: "operator" })).toBeChecked();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.getByRole("status", { name: "The link" }).textContent()) ?? "";
  expect(link).toContain(`${accounts.url}/link#`);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await expect(page.getByRole("row")).toHaveCount(2);

  await choose(page, "Sign out");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.goto(`${accounts.url}/account`);
  await signIn(page, { ...ADMIN, password: "a wrong password" });
  await expect(page.getByRole("alert")).toHaveText("The name or the password is not right.");
  await signIn(page, { name: "Nobody", password: "a wrong password" });
  await expect(page.getByRole("alert")).toHaveText("The name or the password is not right.");

  const operator = await newPage(browser, wrong);
  await operator.goto(link);
  await fill(operator, OPERATOR);
  await operator.getByRole("button", { name: "Begin" }).click();
  await expect(operator.getByRole("link", { name: "Label" })).toBeVisible();
  expect(await places(operator)).toEqual(["Label", "Detect"]);
  await operator.goto(`${accounts.url}/admin/people`);
  await expect(operator.getByRole("heading", { name: "This page is not for you" })).toBeVisible();
  const late = await newPage(browser, wrong);
  await late.goto(link);
  await fill(late, { name: "Too late", password: "too late, too late" });
  await late.getByRole("button", { name: "Begin" }).click();
  await expect(late.getByRole("heading", { name: "This link can’t be used" })).toBeVisible();

  await signIn(page, ADMIN);
  await expect(page).toHaveURL(`${accounts.url}/account`);
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByLabel("What is it for?").fill("nightly export");
  await page.getByRole("dialog").getByRole("button", { name: "Make a key" }).click();
  const key = (await page.getByRole("status", { name: "Your new key" }).textContent()) ?? "";
  const asKey = { headers: { Authorization: `Bearer ${key}` } };
  expect((await request.get(`${accounts.url}/api/me/keys`, asKey)).status()).toBe(200);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.reload();
  await expect(page.getByRole("rowheader", { name: "nightly export" })).toBeVisible();
  expect(await page.content()).not.toContain(key);

  await page.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("link", { name: "Keys", exact: true }).click();
  await page.getByRole("button", { name: "Revoke: nightly export" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("Nobody has a key.")).toBeVisible();
  await expect.poll(async () => (await request.get(`${accounts.url}/api/me/keys`, asKey)).status()).toBe(401);

  expect(wrong).toEqual([]);
});

test("whoever's roles change signs in again, where they were", { tag: "@cut" }, async ({ page, browser, accounts }) => {
  const wrong: string[] = [];
  const operator = await newPage(browser, wrong);
  await operator.goto(`${accounts.url}/settings`);
  await signIn(operator, OPERATOR);
  await expect(operator.getByRole("heading", { name: "Settings" })).toBeVisible();

  await page.goto(`${accounts.url}/admin/people`);
  await signIn(page, ADMIN);
  await expect(page.getByRole("checkbox", { name: `admin: ${ADMIN.name}` })).toBeDisabled();
  await page.getByRole("checkbox", { name: `client: ${OPERATOR.name}` }).click(); // checked once the server says so
  await expect(page.getByRole("checkbox", { name: `client: ${OPERATOR.name}` })).toBeChecked();

  await operator.reload();
  await signIn(operator, OPERATOR);
  await expect(operator.getByRole("heading", { name: "Settings" })).toBeVisible();
  expect(await places(operator)).toEqual(["Label", "Tasks", "Recognise", "Detect"]);

  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByLabel("What was done").selectOption("changed a person");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByTitle("Only what was done to this").click();
  await expect(page).toHaveURL(/action=person\.change&object=[0-9a-f]{32}/);
  await page.getByLabel("What was done").selectOption("everything");
  await expect(page.getByRole("row").filter({ hasText: "joined" })).toHaveCount(1);
  await page.getByLabel("From", { exact: true }).fill("2001-01-01");
  await page.getByLabel("To", { exact: true }).fill("2001-01-31");
  await expect(page.getByText("Nothing of this kind has happened.")).toBeVisible();
  await page.getByLabel("To", { exact: true }).fill("");
  await expect(page.getByRole("row").filter({ hasText: "joined" })).toHaveCount(1);
  const file = await page.request.get(
    accounts.url + (await page.getByRole("link", { name: "Export as CSV" }).getAttribute("href")),
  );
  const [head, ...lines] = (await file.text()).trim().split("\r\n");
  expect(head).toBe("id,at,actor,actor_name,action,object,address,outcome");
  expect(lines.length).toBe((await page.getByRole("row").count()) - 1);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page).toHaveURL(`${accounts.url}/admin/audit`);
  expect(wrong).toEqual([]);
});

test("an access that has ended is renewed once for all calls, and nobody notices", { tag: "@cut" }, async ({
  page,
  accounts,
}) => {
  await page.goto(`${accounts.url}/admin/people`);
  await signIn(page, ADMIN);
  await expect(page.getByRole("rowheader", { name: OPERATOR.name })).toBeVisible();
  const refreshes: string[] = [];
  page.on("request", (request) => request.url().endsWith("/refresh") && refreshes.push(request.url()));
  await page.context().clearCookies({ name: "__Host-quorate-access" });
  await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Services" }).click();
  await expect(page.getByRole("table").first()).toBeVisible();
  expect(refreshes).toHaveLength(1);
  await page.context().clearCookies({ name: "__Host-quorate-access" });
  await page.reload();
  await expect(page.getByRole("table").first()).toBeVisible();
  expect(refreshes).toHaveLength(2);
});

test("signing out in one tab signs out the others", { tag: "@cut" }, async ({ page, context, accounts }) => {
  await page.goto(`${accounts.url}/settings`);
  await signIn(page, ADMIN);
  const other = await context.newPage();
  await other.goto(`${accounts.url}/account`);
  await expect(other.getByRole("heading", { name: ADMIN.name })).toBeVisible();
  await choose(page, "Sign out");
  await expect(other.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await signIn(page, OPERATOR);
  await expect(other.getByRole("heading", { name: OPERATOR.name })).toBeVisible();
});

test("too many tries are counted down", { tag: "@cut" }, async ({ page, accounts }) => {
  await page.route("**/api/sessions", (route) =>
    route.fulfill({ status: 429, headers: { "Retry-After": "65" }, json: { title: "Too many", detail: "later" } }),
  );
  await page.goto(accounts.url);
  await signIn(page, ADMIN);
  await expect(page.getByRole("timer")).toHaveText(/^Try again in 1:0\d\.$/);
  await expect(page.getByRole("button", { name: "Sign in" })).toBeDisabled();
});

test.describe("with axe", () => {
  test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

  /** Pages of a person who is signed in, and what is done on each before it is looked at. */
  const PAGES: Record<string, (page: Page) => Promise<void>> = {
    "/account": async (page) => page.getByRole("button", { name: "Make a key" }).click(),
    "/admin/people": async (page) => page.getByRole("button", { name: "Remove" }).click(),
    "/admin/teams": async (page) => page.getByRole("button", { name: "Make a team" }).click(),
    "/device": async (page) => page.getByRole("button", { name: "Go on" }).click(),
    "/device?code=BBBBBBBB": async (page) => expect(page.getByRole("alert")).toBeVisible(),
    "/admin/invitations": async (page) => {
      await page.getByRole("button", { name: "Invite somebody" }).click();
      await page.getByRole("button", { name: "Make a link" }).click();
      await expect(page.getByRole("status", { name: "The link" })).toBeVisible();
    },
    "/admin/keys": async (page) => page.getByRole("button", { name: /, account$/ }).click(),
    "/admin/webhooks": async (page) => page.getByRole("button", { name: "Make a webhook" }).click(),
    "/admin/audit": async (page) => expect(page.getByRole("table")).toBeVisible(),
  };

  async function look(page: Page, what: string): Promise<void> {
    for (const width of [1440, 390, 320]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(wide, `${what} scrolls sideways at ${width} px`).toBeLessThanOrEqual(0);
      await page.emulateMedia({ colorScheme: "light" });
      expect.soft(await findings(page), `${what}, ${width} px, light`).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect.soft(await findings(page, ["color-contrast"]), `${what}, ${width} px, dark`).toEqual([]);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  }

  test("nothing serious in both themes", { tag: "@cut" }, async ({ page, accounts }) => {
    await page.goto(accounts.url);
    await signIn(page, { ...ADMIN, password: "a wrong password" });
    await expect(page.getByRole("alert")).toBeVisible();
    await look(page, "/sign-in");
    await page.goto(`${accounts.url}/link/no~link`); // as links were once
    await expect(page).toHaveURL(`${accounts.url}/link#no~link`);
    await page.getByRole("button", { name: "Begin" }).click();
    await look(page, "/link");
    await page.goto(`${accounts.url}/account`);
    await signIn(page, ADMIN);
    await expect(page.getByRole("heading", { name: ADMIN.name })).toBeVisible();
    for (const [path, act] of Object.entries(PAGES)) {
      await page.goto(accounts.url + path);
      await expect(page.getByRole("button", { name: /, account$/ })).toBeVisible();
      await expect(page.locator("[aria-busy]")).toHaveCount(0);
      await look(page, path);
      await act(page);
      await look(page, `${path}, at work`);
    }
  });
});
