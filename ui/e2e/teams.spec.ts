import type { APIRequestContext, Page } from "@playwright/test";
import type { AccountsPlatform } from "./accountsPlatform";
import { findings } from "./axe";
import { expect } from "./fixtures";
import { ADMIN, choose, newPage, OPERATOR, places, signIn, takeLink, test, watchHeaders } from "./people";

test.describe.configure({ mode: "serial" });

const LEAD = { name: "Lea Sommer", password: "a third password" };
const CLIENT = "CLI on a laptop";

/** What `quorate login` does first. */
async function asked(request: APIRequestContext, accounts: AccountsPlatform) {
  const answer = await request.post(`${accounts.url}/api/device`, { data: { client: CLIENT } });
  return (await answer.json()) as { user_code: string; device_code: string; path: string };
}

/** And what it does until somebody has answered. */
async function outcome(request: APIRequestContext, accounts: AccountsPlatform, device_code: string) {
  const answer = await request.post(`${accounts.url}/api/device/key`, { data: { device_code } });
  return (await answer.json()) as { state: string; key: { secret: string; name: string; roles: string[] } | null };
}

async function told(page: Page, name: string): Promise<string> {
  const secret = (await page.getByRole("status", { name }).textContent()) ?? "";
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  return secret;
}

test("a second team gets its admin by a link, and whoever is in both changes between them", { tag: "@cut" }, async ({
  page,
  browser,
  accounts,
}) => {
  const wrong: string[] = [];
  watchHeaders(page.context(), wrong);
  await takeLink(page, accounts.firstLink, ADMIN);
  await expect(page).toHaveURL(/\/label\b/); // a link that is used is not in the address any more
  await page.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("link", { name: "Teams" }).click();
  await page.getByRole("button", { name: "Make a team" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("alert")).toHaveText("Give the team a name.");
  await page.getByLabel("Name").fill("Birds");
  await page.keyboard.press("Enter");
  const link = await told(page, "The link to Birds");
  expect(link).toContain(`${accounts.url}/link#`);
  await expect(page.getByRole("rowheader", { name: "Birds" })).toBeVisible();

  const sent: string[] = [];
  const lead = await newPage(browser, wrong);
  lead.on("request", (request) => sent.push(request.url()));
  await takeLink(lead, link, LEAD);
  expect(sent.filter((url) => url.includes(link.split("#")[1] ?? "?"))).toEqual([]); // in no address that was sent
  expect(await places(lead)).toEqual(["Label", "Tasks", "Disputes", "Recognise", "Detect", "Admin"]);
  await lead.goto(`${accounts.url}/admin/teams`);
  await expect(lead.getByRole("heading", { name: "This page is not for you" })).toBeVisible();
  await lead.goto(`${accounts.url}/admin/people`);
  await expect(lead.getByRole("row")).toHaveCount(3);

  const other = await page.context().newPage();
  await other.goto(`${accounts.url}/admin/people`);
  await expect(other.getByRole("row")).toHaveCount(2);
  await page.getByRole("button", { name: /, account$/ }).click();
  await expect(page.getByRole("menuitemradio", { name: "Team: First team" })).toBeChecked();
  await page.getByRole("menuitemradio", { name: "Team: Birds" }).click();
  await expect(page).toHaveURL(/\/label\b/);
  await page.getByRole("button", { name: /, account$/ }).click();
  await expect(page.getByRole("menuitemradio", { name: "Team: Birds" })).toBeChecked();
  await expect(other.getByRole("row")).toHaveCount(3); // a tab follows the team of the others
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /, account$/ }).click();
  await page.getByRole("menuitemradio", { name: "Team: First team" }).click();
  await expect(other.getByRole("row")).toHaveCount(2);
  expect(wrong).toEqual([]);
});

test("a program is approved by keyboard for the roles that were chosen, and used codes say so", {
  tag: "@cut",
}, async ({ page, accounts, request }) => {
  const begun = await asked(request, accounts);
  await page.goto(accounts.url + begun.path);
  await signIn(page, ADMIN);
  await expect(page.getByRole("heading", { name: "Connect a program" })).toBeVisible();
  const facts = [begun.user_code, CLIENT, "127.0.0.1", /:/, "First team"];
  await expect(page.getByRole("definition")).toHaveText(facts);
  for (const role of ["operator", "client", "adjudicator", "admin"]) {
    await page.getByRole("checkbox", { name: role }).focus();
    await page.keyboard.press("Space");
  }
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("Choose one role at least.");
  expect((await outcome(request, accounts, begun.device_code)).state).toBe("waiting");
  await page.getByRole("checkbox", { name: "client" }).focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Approved. Go back to the program")).toBeVisible();
  const { key } = await outcome(request, accounts, begun.device_code);
  expect(key?.roles).toEqual(["client"]);
  await page.reload();
  await expect(page.getByText("Approved. Go back to the program")).toBeVisible();
  await page.goto(`${accounts.url}/account`);
  await expect(page.getByRole("rowheader", { name: CLIENT })).toBeVisible();
});

test("a program is refused, and a code that leads nowhere can be typed anew", { tag: "@cut" }, async ({
  page,
  accounts,
  request,
}) => {
  const begun = await asked(request, accounts);
  await page.goto(`${accounts.url}/device?code=BBBB-BBBB`);
  await signIn(page, ADMIN);
  await expect(page.getByRole("alert")).toContainText("This code can’t be used.");
  await page.getByLabel("Code").fill(begun.user_code.toLowerCase());
  await page.keyboard.press("Enter");
  await expect(page.getByText(CLIENT)).toBeVisible();
  await page.getByRole("button", { name: "Refuse" }).click();
  await expect(page.getByText("Refused. The program gets no key.")).toBeVisible();
  expect((await outcome(request, accounts, begun.device_code)).state).toBe("refused");
});

test("a new password signs out everywhere else, and the old one is no good", { tag: "@cut" }, async ({
  page,
  browser,
  accounts,
}) => {
  const elsewhere = await newPage(browser);
  await elsewhere.goto(`${accounts.url}/settings`);
  await signIn(elsewhere, LEAD);
  await expect(elsewhere.getByRole("heading", { name: "Settings" })).toBeVisible();
  await page.goto(`${accounts.url}/account`);
  await signIn(page, LEAD);
  const change = async (current: string, next: string) => {
    await page.getByLabel("Present password").fill(current);
    await page.getByLabel("New password").fill(next);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change(LEAD.password, "short");
  await expect(page.getByRole("alert")).toHaveText("A password has at least 8 characters.");
  await change("not the present one", "quite another one");
  await expect(page.getByRole("alert")).toHaveText("this is not the present password");
  await change(LEAD.password, "quite another one");
  await expect(page.getByText("Your password is changed.")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: LEAD.name })).toBeVisible();
  await expect
    .poll(async () => (await elsewhere.request.get(`${accounts.url}/api/me`)).status(), { timeout: 5_000 })
    .toBe(401);
  await elsewhere.reload();
  await signIn(elsewhere, LEAD);
  await expect(elsewhere.getByRole("alert")).toHaveText("The name or the password is not right.");
  await signIn(elsewhere, { ...LEAD, password: "quite another one" });
  await expect(elsewhere.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("whoever is removed is out at once, and comes back by another link only", { tag: "@cut" }, async ({
  page,
  browser,
  accounts,
}) => {
  await page.goto(`${accounts.url}/admin/invitations`);
  await signIn(page, ADMIN);
  const invite = async () => {
    await page.getByRole("button", { name: "Invite somebody" }).click();
    await page.getByRole("button", { name: "Make a link" }).click();
    return told(page, "The link");
  };
  const operator = await newPage(browser);
  await takeLink(operator, await invite(), OPERATOR);
  await page.getByRole("link", { name: "People" }).click();
  const row = page.getByRole("row", { name: OPERATOR.name });
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(row).toBeVisible();
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(row).toHaveCount(0);
  await expect
    .poll(async () => (await operator.request.get(`${accounts.url}/api/me`)).status(), { timeout: 5_000 })
    .toBe(401);
  await operator.reload();
  await signIn(operator, OPERATOR);
  await expect(operator.getByRole("alert")).toHaveText("The name or the password is not right.");
  await page.getByRole("link", { name: "Invitations" }).click();
  await takeLink(operator, await invite(), OPERATOR);
  await choose(operator, "Account");
  await expect(operator.getByRole("heading", { name: OPERATOR.name })).toBeVisible();
});

test.describe("with axe", () => {
  test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

  test("a program that asks, in both themes and on a phone", { tag: "@cut" }, async ({ page, accounts, request }) => {
    const begun = await asked(request, accounts);
    await page.goto(accounts.url + begun.path);
    await signIn(page, ADMIN);
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
    await expect(page.getByText(CLIENT)).toBeVisible();
    await look("waiting");
    await page.getByRole("button", { name: "Refuse" }).click();
    await expect(page.getByText("Refused. The program gets no key.")).toBeVisible();
    await look("refused");
  });
});
