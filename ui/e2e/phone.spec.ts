import type { Page } from "@playwright/test";
import { allSaved, expect, label, picture, test } from "./fixtures";
import type { Platform } from "./platform";

test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });

const TWO = { labels: ["red square", "green square"] };

type Point = readonly [x: number, y: number];

/** A finger that goes this way over the page, and is lifted at its end. */
async function drag(page: Page, way: readonly Point[], fingers = 1): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", points: readonly Point[]) =>
    session.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.flatMap(([x, y]) =>
        Array.from({ length: fingers }, (_, id) => ({ x: x + 40 * id, y: y + 40 * id, id })),
      ),
    });
  const [first, ...others] = way;
  if (first) await touch("touchStart", [first]);
  for (const point of others) await touch("touchMove", [point]);
  await touch("touchEnd", []);
  await session.detach();
}

const shown = (page: Page) => picture(page).getAttribute("data-id");

async function votesOf(platform: Platform, task: string, user: string): Promise<Map<string, string | null>> {
  const votes = [...(await platform.votes(task))].flatMap(([id, all]) =>
    all.filter(({ voter }) => voter === user).map((one) => [id, one.label] as const),
  );
  return new Map(votes);
}

test("a finger to the left votes the first of two labels, to the right the second", async ({ page, platform }) => {
  const task = await platform.task("Swiped", 12, TWO);
  await label(page, platform, "sam", task);
  const first = (await shown(page)) ?? "";
  await drag(page, [
    [200, 200],
    [150, 202],
    [60, 205],
  ]);
  await expect(picture(page)).not.toHaveAttribute("data-id", first);
  const second = (await shown(page)) ?? "";
  await drag(page, [
    [100, 200],
    [160, 198],
    [240, 195],
  ]);
  await expect(picture(page)).not.toHaveAttribute("data-id", second);
  await allSaved(page);
  expect(await votesOf(platform, task, "sam")).toEqual(
    new Map([
      [first, "red square"],
      [second, "green square"],
    ]),
  );
});

test("a finger that goes down, not far, or with another one votes nothing", async ({ page, platform }) => {
  const task = await platform.task("Not swiped", 12, TWO);
  await label(page, platform, "tia", task);
  const first = (await shown(page)) ?? "";
  await drag(page, [
    [200, 150],
    [198, 190],
    [60, 230],
  ]);
  await drag(page, [
    [200, 200],
    [180, 200],
    [160, 200],
  ]);
  const across: Point[] = [
    [200, 200],
    [150, 200],
    [60, 200],
  ];
  await drag(page, across, 2);
  await expect(picture(page)).toHaveAttribute("data-id", first);
  await page.waitForTimeout(1_500); // right after two fingers the browser makes no click of a tap
  await page.getByRole("button", { name: "green square" }).tap();
  await expect(picture(page)).not.toHaveAttribute("data-id", first);
  await allSaved(page);
  expect(await votesOf(platform, task, "tia")).toEqual(new Map([[first, "green square"]]));
});

test("three labels can't be swiped", async ({ page, platform }) => {
  const task = await platform.task("Three", 12);
  await label(page, platform, "ula", task);
  const first = (await shown(page)) ?? "";
  await drag(page, [
    [200, 200],
    [150, 200],
    [60, 200],
  ]);
  await expect(picture(page)).toHaveAttribute("data-id", first);
});

test("nothing is lost at 320 pixels, and the places in the bar scroll and say so", async ({ page, platform }) => {
  const task = await platform.task("Narrow", 12, { allow_unsure: true });
  await label(page, platform, "vic", task);
  for (const path of [`/label/${task}`, `/label/${task}?mode=grid`, "/settings"]) {
    await page.goto(platform.pageUrl + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, path).toBe(0);
  }
  const places = page.getByRole("navigation", { name: "Places" });
  await expect(places).toHaveAttribute("data-after", "");
  await places.evaluate((nav) => nav.scrollTo({ left: nav.scrollWidth }));
  await expect(places).toHaveAttribute("data-before", "");
  await expect(places).not.toHaveAttribute("data-after", "");
});
