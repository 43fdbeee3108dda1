import { allSaved, expect, label, open, picture, test, vote } from "./fixtures";
import { LABELS, type Vote } from "./platform";

function of(votes: Map<string, Vote[]>, user: string): Map<string, Vote["label"][]> {
  const mine = [...votes].map(
    ([id, all]) => [id, all.filter(({ voter }) => voter === user).map((one) => one.label)] as const,
  );
  return new Map(mine.filter(([, labels]) => labels.length > 0));
}

/** What a user's votes should be at the platform, from what the test pressed. */
function expected(pressed: Map<string, string>): Map<string, string[]> {
  return new Map([...pressed].map(([id, key]) => [id, [LABELS[Number(key) - 1] ?? ""]]));
}

test("a name, then twenty images by keyboard alone", async ({ page, platform }) => {
  const task = await platform.task("By keyboard", 24);
  await page.goto(`${platform.pageUrl}/label/${task}`);
  await expect(page.getByLabel("Your name")).toBeFocused();
  await page.keyboard.type("Ann Nilsen");
  await page.keyboard.press("Enter");
  await expect(picture(page)).toBeVisible();
  const pressed = new Map<string, string>();
  for (let index = 0; index < 20; index++) {
    const key = String((index % 3) + 1);
    pressed.set(await vote(page, key), key);
  }
  await allSaved(page);
  expect(pressed.size).toBe(20);
  expect(of(await platform.votes(task), "Ann Nilsen")).toEqual(expected(pressed));
});

test("undo takes back a vote that waits, and one that is counted", async ({ page, platform }) => {
  const task = await platform.task("Undo", 12);
  await label(page, platform, "bea", task);
  const first = await vote(page, "1");
  await page.keyboard.press("z");
  await expect(picture(page)).toHaveAttribute("data-id", first);
  await vote(page, "2");
  await allSaved(page);
  await page.keyboard.press("Backspace");
  await expect(picture(page)).toHaveAttribute("data-id", first);
  expect(of(await platform.votes(task), "bea")).toEqual(new Map());
  await vote(page, "3");
  await allSaved(page);
  expect(of(await platform.votes(task), "bea")).toEqual(new Map([[first, ["blue square"]]]));
});

test("skip, unsure, boxes, zoom and instructions by key", async ({ page, platform }) => {
  const task = await platform.task("Keys", 12, { allow_unsure: true });
  await label(page, platform, "cai", task);
  const skipped = await vote(page, "s");
  const unsure = await vote(page, "u");
  await page.keyboard.press("i");
  await expect(page.getByRole("dialog", { name: "Instructions" })).toBeVisible();
  await page.keyboard.press("1"); // no key votes under a dialog
  await page.keyboard.press("Escape");
  await page.keyboard.press("+");
  await expect(page.getByRole("toolbar").getByText("140%")).toBeVisible();
  await page.keyboard.press("0");
  await expect(page.getByRole("toolbar").getByText("100%")).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await allSaved(page);
  const mine = of(await platform.votes(task), "cai");
  expect(mine).toEqual(new Map([[unsure, [null]]]));
  expect(mine.has(skipped)).toBe(false);
});

test("a reload in mid-work loses no vote and repeats none", async ({ page, platform }) => {
  const task = await platform.task("Reload", 16);
  await label(page, platform, "dan", task);
  const pressed = new Map<string, string>();
  for (let index = 0; index < 12; index++) {
    pressed.set(await vote(page, "2"), "2");
    if (index % 4 === 3) {
      await page.reload();
      await expect(picture(page)).toBeVisible();
    }
  }
  await allSaved(page);
  expect(pressed.size).toBe(12);
  expect(of(await platform.votes(task), "dan")).toEqual(expected(pressed));
});

test("after a reload the last votes can be taken back, and today's count is the platform's", async ({
  page,
  platform,
}) => {
  const task = await platform.task("Undo after a reload", 12);
  await label(page, platform, "lea", task);
  const first = await vote(page, "1");
  const second = await vote(page, "2");
  await allSaved(page);
  await page.evaluate(() => localStorage.removeItem("quorate.today"));
  await page.reload();
  await expect(picture(page)).toBeVisible();
  const past = page.getByRole("list", { name: "Recent and next images" }).getByRole("button");
  await expect(past).toHaveCount(2);
  await expect(past.first()).toHaveAccessibleName("1 red square Undo");
  const today = page.getByText("Today", { exact: true }).locator("..");
  await expect(today).toHaveText("Today2");
  await page.keyboard.press("z");
  await expect(picture(page)).toHaveAttribute("data-id", second);
  await past.click();
  await expect(picture(page)).toHaveAttribute("data-id", first);
  await expect(today).toHaveText("Today0");
  expect(of(await platform.votes(task), "lea")).toEqual(new Map());
});

test("without a task, a person chooses one of those that have images for them", async ({ page, platform }) => {
  const task = await platform.task("To be chosen", 4);
  await platform.task("To be chosen later", 4);
  await open(page, platform, "mia", "/label");
  await page.getByRole("link", { name: "To be chosen", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/label/${task}$`));
  for (let index = 0; index < 4; index++) await vote(page, "1");
  await allSaved(page);
  await page.getByRole("link", { name: "Other tasks" }).click();
  await expect(page.getByText("4 images wait for other people")).toBeVisible();
  await expect(page.getByRole("link", { name: "To be chosen", exact: true })).toHaveCount(0);
  await page.getByRole("link", { name: "Whatever is oldest" }).click();
  await expect(picture(page)).toBeVisible();
});

test("two operators at once each vote once on every image", async ({ browser, page, platform }) => {
  const task = await platform.task("Two operators", 8);
  const other = await (await browser.newContext()).newPage();
  await label(page, platform, "eva", task);
  await label(other, platform, "fay", task);
  for (let index = 0; index < 8; index++) {
    await Promise.all([vote(page, "1"), vote(other, "3")]);
  }
  await Promise.all([allSaved(page), allSaved(other)]);
  const votes = [...(await platform.votes(task)).values()].map((all) =>
    all.map(({ voter, label: said }) => `${voter} ${said}`).sort(),
  );
  expect(votes).toEqual(Array.from({ length: 8 }, () => ["eva red square", "fay blue square"]));
  await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();
  await other.context().close();
});

test("a second tab waits until it is told to take over", async ({ context, page, platform }) => {
  const task = await platform.task("Two tabs", 12);
  await label(page, platform, "gus", task);
  const first = await vote(page, "1");
  const second = await context.newPage();
  await second.addInitScript(() => localStorage.setItem("quorate.who", '"gus"'));
  await second.goto(`${platform.pageUrl}/label/${task}`);
  await second.getByRole("button", { name: "Work here instead" }).click();
  await expect(picture(second)).toBeVisible();
  await expect(page.getByRole("heading", { name: "You are labeling in another tab" })).toBeVisible();
  const next = await vote(second, "2");
  await allSaved(second);
  expect(of(await platform.votes(task), "gus")).toEqual(
    new Map([
      [first, ["red square"]],
      [next, ["green square"]],
    ]),
  );
});

test("votes wait while the network is cut", { tag: "@cut" }, async ({ context, page, platform }) => {
  const task = await platform.task("Cut", 16);
  await label(page, platform, "hal", task);
  await vote(page, "1").then(() => allSaved(page));
  await context.setOffline(true);
  await expect(page.getByText("No connection. Your votes are kept here and sent later.")).toBeVisible();
  for (let index = 0; index < 5; index++) await vote(page, "3");
  await expect(page.locator("[data-waiting='5']")).toBeVisible();
  expect(of(await platform.votes(task), "hal").size).toBe(1);
  await context.setOffline(false);
  await allSaved(page);
  expect(of(await platform.votes(task), "hal").size).toBe(6);
});

test("a refused vote is kept with its reason", async ({ page, platform }) => {
  const task = await platform.task("Refused", 12);
  await label(page, platform, "jon", task);
  const id = (await picture(page).getAttribute("data-id")) ?? "";
  await platform.giveBack("jon", id);
  await vote(page, "1");
  await vote(page, "2");
  await page.getByRole("button", { name: "Not counted (1)" }).click();
  await expect(page.getByRole("dialog", { name: "Not counted" }).getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "Clear the list" }).click();
  await expect(page.getByRole("dialog", { name: "Not counted" })).toHaveCount(0);
  await allSaved(page);
  expect(of(await platform.votes(task), "jon").has(id)).toBe(false);
});

test("a picture that can't be shown is skipped, and the others go on", { tag: "@cut" }, async ({ page, platform }) => {
  const task = await platform.task("Broken", 12);
  let broken = "";
  await page.route("**/objects/**", (route) => {
    broken ||= route.request().url();
    return route.request().url() === broken ? route.fulfill({ status: 404 }) : route.continue();
  });
  await page.addInitScript(() => localStorage.setItem("quorate.who", '"kim"'));
  await page.goto(`${platform.pageUrl}/label/${task}`);
  await expect(page.getByRole("heading", { name: "This picture can't be shown" })).toBeVisible();
  await page.keyboard.press("s");
  await vote(page, "1");
  await allSaved(page);
  expect(of(await platform.votes(task), "kim").size).toBe(1);
});

test("text from outside stays text", async ({ page, platform }) => {
  const nasty = "<img src=x onerror=alert(1)>";
  const task = await platform.task(nasty, 4, { labels: [nasty, "blue square"], instructions: `${nasty}\n${nasty}` });
  await label(page, platform, nasty, task);
  await expect(page.getByRole("button", { name: `1 ${nasty}` })).toBeVisible();
  await vote(page, "1");
  await expect(page.getByRole("button", { name: `1 ${nasty} Undo` })).toBeVisible();
  await allSaved(page);
});
