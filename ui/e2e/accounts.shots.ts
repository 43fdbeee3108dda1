/** Pictures of the pages about people, for people to look at, in `build/ui/`, of a platform with accounts. */
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { expect } from "./fixtures";
import { ADMIN, takeLink, test } from "./people";

test.describe.configure({ mode: "serial" });

const FOLDER = join(import.meta.dirname, "../../build/ui");
const WIDTHS = [1440, 390];
const PASSWORD = "correct horse";
const HEADERS = { "X-Quorate-Request": "1" };
const PEOPLE: Record<string, string[]> = {
  "Ben Okoro": ["operator"],
  "Cleo Ray-Featherstonehaugh of the night shift": ["operator", "adjudicator"],
  "Dag Nyström": ["client"],
  "Eva Horák": ["operator"],
};

async function post(page: Page, path: string, data: unknown) {
  const answer = await page.request.post(new URL(path, page.url()).href, { data, headers: HEADERS });
  expect(answer.ok(), await answer.text()).toBe(true);
  return answer.json();
}

/** Somebody new; returns their id. */
async function arrive(page: Page, browser: Browser, name: string, roles: string[]): Promise<string> {
  const { url } = await post(page, "/api/invitations", { roles });
  const context = await browser.newContext();
  const token = (url as string).replace("/link#", "");
  const address = new URL("/api/sessions/link", page.url()).href;
  const answer = await context.request.post(address, { data: { token, name, password: PASSWORD }, headers: HEADERS });
  const { user } = await answer.json();
  await context.close();
  return user.id;
}

/** What there is to be seen; returns the id of a task. */
async function fill(page: Page, browser: Browser): Promise<string> {
  const ids: string[] = [];
  for (const [name, roles] of Object.entries(PEOPLE)) ids.push(await arrive(page, browser, name, roles));
  await post(page, "/api/invitations", { roles: ["operator"] });
  await post(page, "/api/me/keys", { name: "nightly export" });
  await post(page, "/api/me/keys", {
    name: "a laptop with a rather long name for a key",
    expires_at: "2030-01-01T00:00:00Z",
  });
  await post(page, "/api/teams", { name: "Birds of the northern coast" });
  await post(page, "/api/webhooks", { url: "https://hooks.example/quorate/of/tasks", events: ["task.completed"] });
  const task = { name: "Birds for two", labels: ["crow", "jay"], operators: ids.slice(0, 2) };
  const { id } = await post(page, "/api/tasks", task);
  await post(page, "/api/admin/erasures", { person: ids[3] });
  return id;
}

/** The pages, and what is done on each before it is looked at; `:task` is a task for invited operators. */
const VIEWS: Record<string, [string, (page: Page) => Promise<void>]> = {
  people: ["/admin/people", async (page) => expect(page.getByText("Erased people")).toBeVisible()],
  "people-erase": ["/admin/people", async (page) => page.getByRole("button", { name: "Erase: Ben Okoro" }).click()],
  invitations: ["/admin/invitations", async (page) => expect(page.getByRole("row")).toHaveCount(2)],
  keys: ["/admin/keys", async (page) => expect(page.getByRole("row")).toHaveCount(3)],
  audit: ["/admin/audit", async (page) => expect(page.getByRole("row").nth(3)).toBeVisible()],
  "audit-filtered": [
    "/admin/audit?action=person.join&from=2026-01-01",
    async (page) => page.getByTitle("Only what this person did").first().click(),
  ],
  webhooks: ["/admin/webhooks", async (page) => expect(page.getByRole("row")).toHaveCount(2)],
  teams: ["/admin/teams", async (page) => expect(page.getByRole("row")).toHaveCount(3)],
  account: ["/account", async (page) => expect(page.getByText("Erase my account")).toBeVisible()],
  "account-erase": ["/account", async (page) => page.getByRole("button", { name: "Erase my account" }).click()],
  "new-task-invited": [
    "/tasks/new",
    async (page) => page.getByRole("checkbox", { name: "Only operators whom you invite" }).check(),
  ],
  "task-invited": ["/tasks/:task", async (page) => page.getByRole("button", { name: "Change who" }).click()],
};

test("screenshots of pages about people", { tag: "@cut" }, async ({ page, browser, accounts }) => {
  await takeLink(page, accounts.firstLink, ADMIN);
  const task = await fill(page, browser);
  for (const [name, [path, act]] of Object.entries(VIEWS)) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(accounts.url + path.replace(":task", task));
    await act(page);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(FOLDER, `accounts-${name}-${colorScheme}-${width}.png`) });
      }
    }
  }
});
