/** The states of pages that pass quickly, or that come of trouble, for pictures of them and for what looks at all pages. */
import { join } from "node:path";
import type { Page, Route } from "@playwright/test";
import { withReplicas } from "./busy";
import { expect, label, open, vote, voteAll } from "./fixtures";
import { withWebhooks } from "./hooks";
import { JOB_STATES } from "./jobs";
import { piecesOf, tasksOf } from "./made";
import type { Platform } from "./platform";
import { shelve } from "./shelf";
import { atWork, type Go } from "./views";

const PROBLEM = {
  type: "about:blank",
  title: "Service unavailable",
  status: 503,
  detail: "The database does not answer. Nothing is lost; try again in a moment.",
  request_id: "4f1c09",
};
const TASKS = /\/api\/tasks(\?.*)?$/;
const STATISTICS = /\/api\/tasks\/[^/]+\/statistics/;
const LEASE_ENDS_MS = 55_000;

const failing = (route: Route) => route.fulfill({ status: 422, json: { ...PROBLEM, status: 422 } });
const unanswered = () => undefined;

/** Opens the page where tasks are made and fills it in, but for its pictures. */
async function described(page: Page, platform: Platform, user: string, name: string): Promise<void> {
  await open(page, platform, user, "/tasks/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("textbox", { name: "Labels" }).fill("red square, blue square");
  await page.keyboard.press("Enter");
}

/** Uploads a folder with bad files to a new task. */
async function uploading(page: Page, platform: Platform, user: string): Promise<void> {
  const { folder } = shelve(platform, platform.samples().slice(0, 6));
  await described(page, platform, user, "Photos of the harbour");
  await page.getByLabel("Choose a folder").last().setInputFiles(folder);
  await expect(page.getByText("will be refused: why")).toBeVisible();
  await page.getByRole("button", { name: "Create and upload" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Photos of the harbour");
}

/** Opens a finished task: 2 votes an image, one of them disputed. */
async function finished(page: Page, platform: Platform, user: string): Promise<void> {
  const task = await platform.task("Finished shelf", 8, { quorum: { votes_required: 2 }, detector: { mode: "off" } });
  await voteAll(platform, task, { ann: "red square", ben: "red square" });
  await open(page, platform, user, `/tasks/${task}`);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Agreement" })).toBeVisible();
}

async function dialog(page: Page, platform: Platform, user: string, name: string, task: string): Promise<void> {
  await open(page, platform, user, `/tasks/${task}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
}

/** Shows the task of pieces as it is while its pipeline is at work, which is over in a moment, and has failed with some. */
async function halfDone(page: Page, platform: Platform): Promise<void> {
  const task = await piecesOf(platform);
  const processing = { image_url: null, thumbnail_url: null, screen_url: null, state: "processing" };
  const failed = { ...processing, state: "failed", failure: "The picture takes more memory than a worker has." };
  await page.route(/\/api\/events/, (route) => route.abort());
  await page.route(new RegExp(`/api/tasks/${task}$`), async (route) => {
    const shown = await (await route.fetch()).json();
    await route.fulfill({ json: { ...shown, counts: { ...shown.counts, open: 8, processing: 6, failed: 2 } } });
  });
  await page.route(/\/images(\?.*)?$/, async (route) => {
    const shown = await (await route.fetch()).json();
    const items = shown.items.map((image: object, place: number) => {
      if (place % 8 === 1) return { ...image, ...failed };
      return place % 2 ? { ...image, ...processing } : image;
    });
    await route.fulfill({ json: { ...shown, items } });
  });
}

/** Takes the connection away once a page is shown. */
async function cut(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await expect(page.getByText("No connection.")).toBeVisible();
}

export const STATES: Record<string, Go> = {
  "who-wrong": async (page, platform) => {
    await page.goto(`${platform.pageUrl}/label`);
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  },
  "start-failed": async (page, platform, user) => {
    await page.route(/\/api\/me$/, failing);
    await open(page, platform, user, "/label");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "label-first": async (page, platform, user) => {
    await page.route("**/api/work", (route) => route.fulfill({ json: [] }));
    await page.route(/\/api\/leases$/, (route) =>
      route.fulfill({ json: { leases: [], more: false, waiting_for_others: 0, opening: 0, next_cursor: null } }),
    );
    await open(page, platform, `${user}, new`, "/label");
    await expect(page.getByRole("link", { name: "Make a task of your own pictures" })).toBeVisible();
  },
  "label-alone": async (page, platform, user) => {
    const task = await platform.task("Three people wanted", 1, { quorum: { votes_required: 3 } });
    await label(page, platform, user, task);
    await vote(page, "1");
    await expect(page.getByText("1 image waits for other people.")).toBeVisible({ timeout: 40_000 });
  },
  "label-finished": async (page, platform, user) => {
    const task = await platform.task("Nearly finished", 1, { quorum: { votes_required: 1 } });
    await label(page, platform, user, task);
    await vote(page, "1");
    await expect(page.getByRole("heading", { name: "This task is finished" })).toBeVisible();
  },
  "label-failed": async (page, platform, user) => {
    await page.route(/\/api\/leases$/, failing);
    await open(page, platform, user, `/label/${(await tasksOf(platform)).label}`);
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "label-broken": async (page, platform, user) => {
    await page.route(/\/objects\/.*/, (route) => route.abort());
    await open(page, platform, user, `/label/${(await tasksOf(platform)).label}`);
    await expect(page.getByRole("heading", { name: "This picture can't be shown" })).toBeVisible();
  },
  "label-elsewhere": async (page, platform, user) => {
    await label(page, platform, user, (await tasksOf(platform)).label);
    const other = await page.context().newPage();
    await open(other, platform, user, `/label/${(await tasksOf(platform)).label}`);
    await other.getByRole("button", { name: "Work here instead" }).click();
    await expect(page.getByRole("heading", { name: "You are labeling in another tab" })).toBeVisible();
  },
  "label-still": async (page, platform, user) => {
    await page.route(/\/api\/leases$/, async (route) => {
      const answer = await (await route.fetch()).json();
      const expires_at = new Date(Date.now() + LEASE_ENDS_MS).toISOString();
      const leases = answer.leases.map((lease: object) => ({ ...lease, expires_at }));
      await route.fulfill({ json: { ...answer, leases } });
    });
    await label(page, platform, user, (await tasksOf(platform)).label);
    await page.evaluate(() => Object.defineProperty(document, "visibilityState", { get: () => "hidden" }));
    await expect(page.getByRole("dialog", { name: "Still there?" })).toBeVisible();
  },
  "label-memory": async (page, platform, user) => {
    await page.addInitScript(() => {
      indexedDB.open = () => {
        throw new Error("private mode");
      };
    });
    await label(page, platform, user, (await tasksOf(platform)).label);
    await expect(page.getByText("In memory only")).toBeAttached();
  },
  "label-zoomed": async (page, platform, user) => {
    await atWork(page, platform, user);
    for (let step = 0; step < 3; step++) await page.keyboard.press("+");
    await expect(page.getByRole("button", { name: "Fit" })).toBeAttached();
  },
  "label-two": async (page, platform, user) => {
    const task = await platform.task("Two labels", 8, {
      labels: ["square", "circle"],
      quorum: { votes_required: 100 },
    });
    await label(page, platform, user, task);
  },
  "label-left": async (page, platform, user) => {
    await page.addInitScript(() => localStorage.setItem("quorate.prefs", JSON.stringify({ hand: "left" })));
    await label(page, platform, `${user}, left`, (await tasksOf(platform)).label);
    await expect(page.locator("[data-hand='left']")).toBeVisible();
  },
  "label-grid-unsuggested": async (page, platform, user) => {
    const task = await platform.task("No suggestion", 4, {
      detector: { mode: "off" },
      quorum: { votes_required: 100 },
    });
    await open(page, platform, user, `/label/${task}?mode=grid`);
    await expect(page.getByRole("heading", { name: "The detector has no suggestion here" })).toBeVisible();
  },
  "board-loading": async (page, platform, user) => {
    await page.route(TASKS, unanswered);
    await open(page, platform, user, "/tasks");
    await expect(page.getByRole("heading", { level: 1, name: "Tasks" })).toBeVisible();
    await expect(page.getByRole("status", { name: "Loading" })).toBeVisible();
  },
  "board-offline": async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/tasks?state=all");
    await expect(page.getByRole("listitem").first()).toBeVisible();
    await cut(page);
  },
  "board-none-such": async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/tasks?q=zebra");
    await expect(page.getByText("No task is like that")).toBeVisible();
  },
  "board-uploading": async (page, platform, user) => {
    await page.route(/\/api\/tasks\/[^/]+\/images(\?.*)?$/, unanswered);
    await uploading(page, platform, user);
    await page.getByRole("link", { name: "Tasks", exact: true }).first().click();
    await expect(page.getByText(/^uploading \d/)).toBeVisible();
  },
  "new-task-empty": async (page, platform, user) => {
    await open(page, platform, user, "/tasks/new");
    await expect(page.getByRole("heading", { level: 1, name: "New task" })).toBeVisible();
  },
  "new-task-wrong": async (page, platform, user) => {
    await open(page, platform, user, "/tasks/new");
    await page.getByRole("button", { name: "Create without pictures" }).click();
    await expect(page.getByText("A task needs a name.")).toBeVisible();
  },
  "new-task-costs": async (page, platform, user) => {
    await described(page, platform, user, "A task at a lead");
    await page.getByText("at a lead").click();
    await page.getByText("may settle").click();
    await page.getByText("What it will cost").scrollIntoViewIfNeeded();
  },
  "new-task-pipeline-wrong": async (page, platform, user) => {
    await described(page, platform, user, "A task whose steps cannot be done");
    for (const step of ["Resize", "Hide objects", "Crop"]) {
      await page.getByRole("button", { name: "Add a step" }).click();
      await page.getByRole("menuitem", { name: step }).click();
    }
    await page.getByLabel("Size, width").fill("");
    await expect(page.getByText("Size: from 1 to 10,000.")).toBeVisible();
    await page.getByLabel("Only do this: nobody labels").check();
  },
  "task-processing": async (page, platform, user) => {
    await halfDone(page, platform);
    await open(page, platform, user, `/tasks/${await piecesOf(platform)}`);
    await expect(page.getByRole("gridcell", { name: "processing" }).first()).toBeVisible();
  },
  "task-image-failed": async (page, platform, user) => {
    await halfDone(page, platform);
    await open(page, platform, user, `/tasks/${await piecesOf(platform)}`);
    await page.getByRole("gridcell", { name: "failed" }).first().getByRole("link").click();
    await expect(page.getByText("The steps of the task could not be done with this image.")).toBeVisible();
  },
  "task-loading": async (page, platform, user) => {
    await page.route(/\/api\/tasks\/[^/]+$/, unanswered);
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.waitForTimeout(500); // the page's own sign follows that of its code
    await expect(page.getByRole("status", { name: "Loading" })).toBeVisible();
  },
  "task-unknown": async (page, platform, user) => {
    await open(page, platform, user, "/tasks/00000000000000000000000000000000");
    await expect(page.getByRole("heading", { name: "There is no such task" })).toBeVisible();
  },
  "task-failed": async (page, platform, user) => {
    await page.route(/\/api\/tasks\/[^/]+$/, failing);
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "task-offline": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await expect(page.getByRole("gridcell").first()).toBeVisible();
    await expect(page.getByRole("heading", { name: "Agreement" })).toBeVisible();
    await cut(page);
  },
  "task-computing": async (page, platform, user) => {
    await page.route(STATISTICS, (route) => route.fulfill({ status: 202 }));
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await expect(page.getByText("The statistics are being computed.")).toBeVisible();
  },
  "task-open": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).label}`);
    await expect(page.getByText("No image is settled yet.")).toBeVisible();
  },
  "task-disputed": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).disputed}`);
    await expect(page.getByRole("link", { name: "Decide the disputes" })).toBeVisible();
    await expect(page.getByRole("gridcell").first()).toBeVisible();
    await expect(page.getByRole("heading", { name: "Agreement" })).toBeVisible();
  },
  "task-finished": finished,
  "task-none-such": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}?state=disputed`);
    await expect(page.getByText("No image is like that")).toBeVisible();
  },
  "task-uploading": async (page, platform, user) => {
    await page.route(/\/api\/tasks\/[^/]+\/images(\?.*)?$/, unanswered);
    await uploading(page, platform, user);
    await expect(page.getByRole("progressbar", { name: "Upload" })).toBeVisible();
  },
  "task-report": async (page, platform, user) => {
    await uploading(page, platform, user);
    await expect(page.getByText("Upload finished: ")).toBeVisible();
    await page.getByRole("button", { name: "Show the report" }).click();
    await expect(page.getByText("notes.jpg")).toBeVisible();
  },
  "task-add": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).empty}`);
    const [sample] = platform.samples();
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles(join(platform.pictures, sample?.name ?? ""));
    await expect(page.getByRole("button", { name: "Upload" })).toBeVisible();
  },
  "task-seal": async (page, platform, user) => dialog(page, platform, user, "Seal", (await tasksOf(platform)).empty),
  "task-reopen": async (page, platform, user) => dialog(page, platform, user, "Reopen", (await tasksOf(platform)).half),
  "task-erase-wrong": async (page, platform, user) => {
    await dialog(page, platform, user, "Erase", (await tasksOf(platform)).half);
    await page.getByLabel("Type the name").fill("another");
    await page.getByRole("button", { name: "Erase" }).click();
    await expect(page.getByRole("alert")).toHaveText("This is not the name of the task.");
  },
  "task-drawer-open": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}?state=open`);
    await page.getByRole("gridcell").first().getByRole("link").click();
    await expect(page.getByText("Votes are shown when the image has ended")).toBeVisible();
  },
  "task-remove": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.getByRole("gridcell").first().getByRole("link").click();
    await page.getByRole("button", { name: "Remove image" }).click();
    await expect(page.getByRole("dialog", { name: "Remove this image?" })).toBeVisible();
  },
  "disputes-failed": async (page, platform, user) => {
    await page.route(/\/api\/disputes/, failing);
    await open(page, platform, user, "/disputes");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "disputes-decided": async (page, platform, user) => {
    const task = await platform.task("Two minds", 2, {
      quorum: { votes_required: 2, max_votes: 2, stop: "exact" },
      detector: { mode: "off" },
    });
    await voteAll(platform, task, { ann: "red square", ben: "blue square" });
    await open(page, platform, user, `/disputes?task=${task}`);
    await expect(page.getByRole("region", { name: "Votes" })).toBeVisible();
    await page.keyboard.press("1");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Decided: red square.")).toBeVisible();
  },
  "detect-first": async (page, platform, user) => {
    await open(page, platform, user, "/detect");
    await expect(page.getByRole("heading", { level: 1, name: "Detect" })).toBeVisible();
  },
  "detect-none": async (page, platform, user) => {
    await page.route(/\/api\/models/, (route) => route.fulfill({ json: { models: [], load: null } }));
    await open(page, platform, user, "/detect");
    await expect(page.getByRole("heading", { name: "No detector is running here" })).toBeVisible();
  },
  "detect-refused": async (page, platform, user) => {
    await open(page, platform, user, "/detect");
    await page.getByLabel("Picture").setInputFiles(join(import.meta.dirname, "axe.ts"));
    await expect(page.getByRole("alert")).toBeVisible();
  },
  ...JOB_STATES,
  "admin-letters": async (page, platform, user) => {
    await withReplicas(page);
    await open(page, platform, user, "/admin");
    const discard = page.getByRole("button", { name: "Discard" }).first();
    await discard.scrollIntoViewIfNeeded();
    await expect(discard).toBeVisible();
  },
  "admin-discard": async (page, platform, user) => {
    await withReplicas(page);
    await open(page, platform, user, "/admin");
    await page.getByRole("button", { name: "Discard" }).first().click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "admin-failed": async (page, platform, user) => {
    await page.route(/\/api\/admin\/status/, failing);
    await open(page, platform, user, "/admin");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "webhooks-make": async (page, platform, user) => {
    await withWebhooks(page);
    await open(page, platform, user, "/admin/webhooks");
    await page.getByRole("button", { name: "Make a webhook" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "webhooks-remove": async (page, platform, user) => {
    await withWebhooks(page);
    await open(page, platform, user, "/admin/webhooks");
    await page.getByRole("button", { name: /^Remove: ci/ }).click();
    await expect(page.getByLabel("Type ci.example.org")).toBeVisible();
  },
  "webhooks-failed": async (page, platform, user) => {
    await page.route(/\/api\/webhooks/, failing);
    await open(page, platform, user, "/admin/webhooks");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "settings-end": async (page, platform, user) => {
    await open(page, platform, user, "/settings");
    await expect(page.getByRole("heading", { name: "Keys" })).toBeVisible();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  },
};
