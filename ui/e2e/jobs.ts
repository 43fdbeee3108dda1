/** Jobs as a platform would have them that has been at work for long, for a test's own has few and its model never fails;
 * and the page of jobs as all pages are looked at. */
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, open } from "./fixtures";
import type { Platform } from "./platform";
import type { Go } from "./views";

export const THOUSAND = 1_000;
const PAGE = 100;
const CLASSES = [
  [
    ["Border collie", 0.912],
    ["collie", 0.061],
    ["Shetland sheepdog, Shetland sheep dog, Shetland", 0.012],
    ["papillon", 0.004],
    ["borzoi", 0.002],
  ],
  [
    ["espresso", 0.48],
    ["cup", 0.31],
    ["coffee mug", 0.14],
    ["eggnog", 0.02],
    ["soup bowl", 0.01],
  ],
  [["street sign", 0.22]],
  [],
] as const;

const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds).toISOString();

function jobOf(number: number, state: "waiting" | "finished" | "failed") {
  const isFinished = state === "finished";
  const classes = CLASSES[number % CLASSES.length] ?? [];
  return {
    id: number.toString(16).padStart(64, "0"),
    state,
    filename: `picture-${number}.jpg`,
    sha256: "0".repeat(64),
    width: 640,
    height: 480,
    image_url: pictureOf(number),
    thumbnail_url: pictureOf(number),
    screen_url: null,
    submitted_at: ago(20 + number),
    finished_at: state === "waiting" ? null : ago(19 + number),
    model: isFinished ? "detector:mobilenet-v2@9b13e2f6" : null,
    classes: isFinished ? classes.map(([label, confidence]) => ({ label, confidence })) : [],
    reason:
      state === "failed" ? "no detector looked at it in time: delete the job, and submit the picture again" : null,
  };
}

function pictureOf(number: number): string {
  return `/objects/job-${number}`;
}

async function withPictures(page: Page, platform: Platform): Promise<void> {
  const samples = platform.samples();
  await page.route(/\/objects\/job-/, (route) => {
    const number = Number(/\d+$/.exec(route.request().url())?.[0]);
    const body = Buffer.from(samples[number % samples.length]?.bytes ?? []);
    return route.fulfill({ body, contentType: "image/png" });
  });
}

/** A thousand jobs that are finished. */
export async function thousandJobs(page: Page, platform: Platform): Promise<void> {
  await withPictures(page, platform);
  await page.route(/\/jobs\/all/, (route) => {
    const first = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const items = Array.from({ length: PAGE }, (_, place) => jobOf(first + place + 1, "finished"));
    const next = first + PAGE;
    return route.fulfill({ json: { items, next_cursor: next < THOUSAND ? String(next) : null } });
  });
}

/** Some jobs in every state. */
export async function jobsInEveryState(page: Page, platform: Platform): Promise<void> {
  await withPictures(page, platform);
  const states = ["waiting", "waiting", "failed", "finished", "finished", "finished", "finished"] as const;
  const items = states.map((state, place) => jobOf(place + 1, state));
  await page.route(/\/jobs\/all/, (route) => route.fulfill({ json: { items, next_cursor: null } }));
}

const PROBLEM = { type: "about:blank", title: "Busy", status: 422, detail: "Try again.", request_id: "4f1c" };

export const JOB_VIEWS: Record<string, Go> = {
  recognise: async (page, platform, user) => {
    await open(page, platform, `${user}, recognise`, "/recognise");
    const files = platform.samples().slice(0, 6);
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles([...files.map(({ name }) => join(platform.pictures, name)), join(import.meta.dirname, "axe.ts")]);
    await expect(page.locator("[data-state='finished']")).toHaveCount(6);
    await page.getByText("1 file was refused: why").click();
  },
  "recognise-job": async (page, platform, user) => {
    await open(page, platform, `${user}, job`, "/recognise");
    const [sample] = platform.samples();
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles(join(platform.pictures, sample?.name ?? ""));
    await page.locator("[data-state='finished'] a").click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
  },
};

export const JOB_STATES: Record<string, Go> = {
  "recognise-first": async (page, platform, user) => {
    await open(page, platform, `${user}, first`, "/recognise");
    await expect(page.getByRole("heading", { name: "No picture yet" })).toBeVisible();
  },
  "recognise-states": async (page, platform, user) => {
    await jobsInEveryState(page, platform);
    await open(page, platform, user, "/recognise");
    await expect(page.getByText("2 waiting")).toBeVisible();
  },
  "recognise-sending": async (page, platform, user) => {
    await jobsInEveryState(page, platform);
    await page.route(/\/jobs\/submit/, () => undefined);
    await open(page, platform, user, "/recognise");
    const files = platform.samples().slice(0, 6);
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles(files.map(({ name }) => join(platform.pictures, name)));
    await expect(page.getByText("0 of 6 files are sent")).toBeVisible();
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByText("Paused.")).toBeVisible();
  },
  "recognise-none": async (page, platform, user) => {
    await page.route(/\/api\/me$/, async (route) => {
      const me = await (await route.fetch()).json();
      await route.fulfill({ json: { ...me, detector: false } });
    });
    await open(page, platform, `${user}, none`, "/recognise");
    await expect(page.getByRole("heading", { name: "No detector is running here" })).toBeVisible();
  },
  "recognise-failed": async (page, platform, user) => {
    await page.route(/\/jobs\/all/, (route) => route.fulfill({ status: 422, json: PROBLEM }));
    await open(page, platform, user, "/recognise");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "recognise-gone": async (page, platform, user) => {
    await open(page, platform, user, `/recognise/${"0".repeat(64)}`);
    await expect(page.getByRole("heading", { name: "This job is not here" })).toBeVisible();
  },
};
