import { crc32, deflateSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { findings } from "./axe";
import { expect } from "./fixtures";
import { ADMIN, newPage, OPERATOR, signIn, takeLink, test } from "./people";

test.describe.configure({ mode: "serial" });

const OTHER = { name: "Cleo Ray", password: "a third password" };

async function invitation(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Invite somebody" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.getByRole("status", { name: "The link" }).textContent()) ?? "";
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  return link;
}

const work = async (page: Page, url: string) =>
  ((await (await page.request.get(`${url}/api/work`)).json()) as { items: { name: string }[] }).items.map(
    ({ name }) => name,
  );

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A grey picture of 32 by 32. */
function png(): Buffer {
  const size = 32;
  const header = Buffer.from([0, 0, 0, size, 0, 0, 0, size, 8, 0, 0, 0, 0]);
  const rows = Buffer.alloc(size * (size + 1), 128);
  for (let row = 0; row < size; row++) rows[row * (size + 1)] = 0;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("a task is for whom its client invites, and others do not see it", { tag: "@cut" }, async ({
  page,
  browser,
  accounts,
}) => {
  await takeLink(page, accounts.firstLink, ADMIN);
  await page.goto(`${accounts.url}/admin/invitations`);
  const [operator, other] = [await newPage(browser), await newPage(browser)];
  await takeLink(operator, await invitation(page), OPERATOR);
  await takeLink(other, await invitation(page), OTHER);

  await page.goto(`${accounts.url}/tasks/new`);
  await page.getByLabel("Name", { exact: true }).fill("Birds for Ben");
  await page.getByRole("textbox", { name: "Labels" }).fill("crow, jay");
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Only operators whom you invite" }).check();
  await expect(page.getByText("Nobody is invited yet")).toBeVisible();
  await page.getByRole("group", { name: "Who is invited" }).getByRole("checkbox", { name: OPERATOR.name }).check();
  await page.locator("input[type=file]").first().setInputFiles({ name: "a.png", mimeType: "image/png", buffer: png() });
  await page.getByRole("button", { name: "Create and upload" }).click();
  await expect(page.getByText(`Only who is invited may label it: ${OPERATOR.name}.`)).toBeVisible();

  await expect.poll(() => work(operator, accounts.url)).toEqual(["Birds for Ben"]);
  expect(await work(other, accounts.url)).toEqual([]);

  await page.getByRole("button", { name: "Change who" }).click();
  const dialog = page.getByRole("dialog", { name: "Who may label it" });
  await dialog.getByRole("checkbox", { name: OPERATOR.name }).uncheck();
  await dialog.getByRole("checkbox", { name: OTHER.name }).check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(`Only who is invited may label it: ${OTHER.name}.`)).toBeVisible();
  expect(await work(operator, accounts.url)).toEqual([]);
  expect(await work(other, accounts.url)).toEqual(["Birds for Ben"]);
});

test.describe("with axe", () => {
  test.use({ bypassCSP: true }); // axe is put into the page, which the policy forbids

  test("where it is said who may label, in both themes and on a phone", { tag: "@cut" }, async ({ page, accounts }) => {
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
      await page.setViewportSize({ width: 1440, height: 900 });
    };
    await page.goto(`${accounts.url}/tasks/new`);
    await signIn(page, ADMIN);
    await page.getByRole("checkbox", { name: "Only operators whom you invite" }).check();
    await expect(page.getByRole("checkbox", { name: OTHER.name })).toBeVisible();
    await look("invited-new-task");
    await page.goto(`${accounts.url}/tasks`);
    await page.getByRole("link", { name: "Birds for Ben" }).first().click();
    await look("invited-task");
    await page.getByRole("button", { name: "Change who" }).click();
    await expect(page.getByRole("checkbox", { name: OTHER.name })).toBeChecked();
    await look("invited-change");
  });
});
