/** Every page, overlay and state, for tests and pictures that go through all of them. */
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { withReplicas, withSeries } from "./busy";
import { allSaved, expect, label, open, picture, vote } from "./fixtures";
import { withWebhooks } from "./hooks";
import { IMPORT_VIEWS } from "./imports";
import { JOB_VIEWS } from "./jobs";
import { doubtedTask, piecesOf, tasksOf } from "./made";
import type { Platform } from "./platform";

export type Go = (page: Page, platform: Platform, user: string) => Promise<void>;

/** Opens the Label page and votes a little, so that its strip is full. */
export async function atWork(page: Page, platform: Platform, user: string): Promise<void> {
  await label(page, platform, user, (await tasksOf(platform)).label);
  for (const key of ["1", "2", "3", "u"]) await vote(page, key);
  await allSaved(page);
}

/** Opens the grid, with a picture marked. */
async function inGrid(page: Page, platform: Platform, user: string): Promise<void> {
  await label(page, platform, user, (await tasksOf(platform)).label);
  await expect(page.getByRole("button", { name: "Grid" })).toBeVisible();
  await page.keyboard.press("g");
  await expect(page.getByRole("grid", { name: "blue square" })).toBeVisible();
  await expect(page.getByRole("grid", { name: "red square" }).locator("[data-at]")).toBeVisible();
  await page.keyboard.press("Space");
  await expect(page.getByText("not red square")).toBeVisible();
}

const deed = (name: string): Go => {
  return async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  };
};

export const VIEWS: Record<string, Go> = {
  who: async (page, platform) => {
    await page.goto(`${platform.pageUrl}/label`);
    await expect(page.getByRole("heading", { name: "Who is labeling?" })).toBeVisible();
  },
  label: atWork,
  "label-choose": async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/label");
    await expect(page.getByRole("heading", { name: "What do you want to label?" })).toBeVisible();
  },
  "label-keys": async (page, platform, user) => {
    await atWork(page, platform, user);
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  },
  "label-instructions": async (page, platform, user) => {
    await atWork(page, platform, user);
    await page.keyboard.press("i");
    await expect(page.getByRole("dialog", { name: "Instructions" })).toBeVisible();
  },
  "label-many": async (page, platform, user) => {
    await label(page, platform, user, (await tasksOf(platform)).many);
  },
  "label-refused": async (page, platform, user) => {
    await label(page, platform, user, (await tasksOf(platform)).label);
    await platform.giveBack(user, (await picture(page).getAttribute("data-id")) ?? "");
    await vote(page, "1");
    await vote(page, "2");
    await page.getByRole("button", { name: "Not counted (1)" }).click();
    await expect(page.getByRole("dialog", { name: "Not counted" })).toBeVisible();
  },
  "label-hundreds": async (page, platform, user) => {
    await label(page, platform, user, (await tasksOf(platform)).hundreds);
    await vote(page, "1");
    await page.keyboard.press("/");
    await page.keyboard.type("label 9");
    await expect(page.getByText("Enter votes label 9.")).toBeAttached();
  },
  "label-grid": inGrid,
  "label-grid-refused": async (page, platform, user) => {
    await inGrid(page, platform, user);
    const id = await page.locator("[data-at] + [data-id]").getAttribute("data-id");
    await platform.giveBack(user, id ?? "");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", { name: "Not counted (1)" })).toBeVisible();
  },
  "label-grid-none": async (page, platform, user) => {
    await open(page, platform, user, `/label/${(await tasksOf(platform)).empty}?mode=grid`);
    await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();
  },
  "label-offline": async (page, platform, user) => {
    await atWork(page, platform, user);
    await page.context().setOffline(true);
    await vote(page, "2");
    await expect(page.getByText("No connection. Your votes are kept here and sent later.")).toBeVisible();
  },
  "label-empty": async (page, platform, user) => {
    await label(page, platform, user, (await tasksOf(platform)).few);
    await vote(page, "1");
    await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();
  },
  board: async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/tasks?state=all");
    await expect(page.getByRole("listitem").first()).toBeVisible();
  },
  "board-none": async (page, platform, user) => {
    await page.route(/\/api\/tasks(\?.*)?$/, (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
    await open(page, platform, user, "/tasks");
    await expect(page.getByText("There is no task yet")).toBeVisible();
  },
  "board-failed": async (page, platform, user) => {
    const problem = { type: "about:blank", title: "Busy", status: 422, detail: "Try again.", request_id: "4f1c" };
    await page.route(/\/api\/tasks(\?.*)?$/, (route) => route.fulfill({ status: 422, json: problem }));
    await open(page, platform, user, "/tasks");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  },
  "new-task": async (page, platform, user) => {
    await open(page, platform, user, "/tasks/new");
    await page.getByRole("textbox", { name: "Labels" }).fill("person, animal, vehicle, vehicle");
    await page.keyboard.press("Enter");
    const files = platform.samples().slice(0, 8);
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles([...files.map(({ name }) => join(platform.pictures, name)), join(import.meta.dirname, "axe.ts")]);
    await page.getByText("will be refused: why").click();
  },
  "new-task-pipeline": async (page, platform, user) => {
    await open(page, platform, user, "/tasks/new");
    await page
      .getByLabel("Choose files")
      .last()
      .setInputFiles(await platform.largePicture(1));
    for (const step of ["Fit into a size", "Split into quarters", "Crop", "Hide objects", "Blur"]) {
      await page.getByRole("button", { name: "Add a step" }).click();
      await page.getByRole("menuitem", { name: step }).click();
    }
    await page.getByLabel("What is hidden").fill("red square");
    await page.getByText("JPEG", { exact: true }).click();
    await expect(page.getByRole("listitem", { name: "Step 5: Blur" }).getByRole("img")).toHaveCount(4);
  },
  "task-pipeline": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${await piecesOf(platform)}`);
    await expect(page.getByRole("gridcell")).toHaveCount(16);
  },
  "task-origin": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${await piecesOf(platform)}?state=open`);
    await page.getByRole("gridcell").first().getByRole("link").click();
    await expect(page.getByRole("img", { name: "The uploaded picture, with the place of this image" })).toBeVisible();
  },
  task: async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await expect(page.getByRole("gridcell").first()).toBeVisible();
    await expect(page.getByRole("heading", { name: "Agreement" })).toBeVisible();
  },
  "task-menu": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.getByRole("button", { name: "More actions" }).click();
    await expect(page.getByRole("menu")).toBeVisible();
  },
  "task-export": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}`);
    await page.getByRole("button", { name: "Export" }).click();
    await expect(page.getByRole("menu")).toBeVisible();
  },
  "task-drawer": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).half}?state=completed`);
    await page.getByRole("gridcell").first().getByRole("link").click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
  },
  "task-edit": async (page, platform, user) => {
    await deed("Edit")(page, platform, user);
    await page.getByText("Shown as").click();
  },
  "task-finish": deed("Finish now"),
  "task-erase": deed("Erase"),
  "task-empty": async (page, platform, user) => {
    await open(page, platform, user, `/tasks/${(await tasksOf(platform)).empty}`);
    await expect(page.getByText("This task has no image yet")).toBeVisible();
  },
  disputes: async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/disputes");
    await expect(page.getByRole("region", { name: "Votes" })).toBeVisible();
    await page.keyboard.press("1");
  },
  "disputes-none": async (page, platform, user) => {
    await page.route(/\/api\/disputes/, (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
    await open(page, platform, user, "/disputes");
    await expect(page.getByRole("heading", { name: "Nobody disagrees" })).toBeVisible();
  },
  detect: async (page, platform, user) => {
    await open(page, platform, user, "/detect");
    const [sample] = platform.samples();
    await page.getByLabel("Picture").setInputFiles(join(platform.pictures, sample?.name ?? ""));
    await expect(page.getByText(/Answered in/)).toBeVisible();
  },
  ...JOB_VIEWS,
  ...IMPORT_VIEWS,
  "task-consensus": async (page, platform, user) => {
    const task = await doubtedTask(platform, "Estimated beside the record");
    const { id } = await platform.json("POST", "/api/consensus", { task_id: task });
    const state = async () => (await platform.json("GET", `/api/consensus/${id}`)).state;
    await expect.poll(state, { timeout: 60_000 }).toBe("finished");
    await open(page, platform, user, `/tasks/${task}/consensus`);
    await expect(page.locator("main li img").first()).toBeVisible();
    await expect(page.getByRole("region", { name: "Voters" }).last()).toBeVisible();
  },
  "admin-operators": async (page, platform, user) => {
    await doubtedTask(platform, "Operators to look at");
    const count = async () => {
      await platform.json("POST", "/api/admin/operators");
      return (await platform.json("GET", "/api/admin/operators")).state;
    };
    await expect.poll(count, { timeout: 60_000 }).toBe("finished");
    await open(page, platform, user, "/admin/operators");
    await expect(page.getByRole("region", { name: "Operators" }).getByRole("row").nth(1)).toBeVisible();
  },
  admin: async (page, platform, user) => {
    await withSeries(page);
    await open(page, platform, user, "/admin");
    await expect(page.getByRole("table").first()).toBeVisible();
    await expect(page.getByRole("img", { name: /^Votes per minute, 1 hour: / })).toBeVisible();
  },
  "admin-new": async (page, platform, user) => {
    const told = { step_s: 60, from: new Date().toISOString(), replica: "host:1", series: {} };
    await page.route(/\/api\/admin\/series/, (route) => route.fulfill({ json: told }));
    await open(page, platform, user, "/admin");
    await expect(page.getByText("Nothing is known yet.")).toBeVisible();
  },
  "admin-busy": async (page, platform, user) => {
    await withSeries(page);
    await withReplicas(page);
    await open(page, platform, user, "/admin");
    await page.getByRole("button", { name: "24 hours" }).click();
    await expect(page.getByRole("img", { name: /^Votes per minute, 24 hours: / })).toBeVisible();
    await page.getByText("As a table, by hour").click();
    await expect(page.getByRole("region", { name: "As a table, by hour" })).toBeVisible();
  },
  webhooks: async (page, platform, user) => {
    await withWebhooks(page);
    await open(page, platform, user, "/admin/webhooks");
    await expect(page.getByRole("row")).toHaveCount(4);
  },
  "webhooks-made": async (page, platform, user) => {
    await withWebhooks(page, []);
    await open(page, platform, user, "/admin/webhooks");
    await expect(page.getByText("Nobody is told of anything yet.")).toBeVisible();
    await page.getByRole("button", { name: "Make a webhook" }).click();
    await page.getByLabel("Address").fill("https://hooks.example.org/in");
    await page.getByRole("button", { name: "Make it" }).click();
    await expect(page.getByRole("status", { name: "Its secret" })).toBeVisible();
  },
  "webhooks-deliveries": async (page, platform, user) => {
    await open(page, platform, user, await withWebhooks(page));
    await expect(page.getByRole("row")).toHaveCount(5);
  },
  "admin-quotas": async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/admin/quotas");
    await expect(page.getByRole("row", { name: /^First team/ })).toBeVisible();
  },
  "admin-quotas-edit": async (page, platform, user) => {
    await tasksOf(platform);
    await open(page, platform, user, "/admin/quotas");
    await page.getByRole("button", { name: "Edit" }).click();
    await expect(page.getByRole("dialog", { name: "Quotas of First team" })).toBeVisible();
  },
  settings: async (page, platform, user) => {
    await open(page, platform, user, "/settings");
    await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
  },
  "settings-refused": async (page, platform, user) => {
    await open(page, platform, user, "/settings");
    await page.getByRole("button", { name: "skip: " }).click();
    await page.keyboard.press("u");
    await expect(page.getByRole("alert")).toHaveText("U is taken: unsure, where the task allows it.");
  },
  "no-such-page": async (page, platform, user) => {
    await open(page, platform, user, "/nowhere");
    await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  },
};
