import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, open, test, voteAll } from "./fixtures";
import { LABELS, type Platform } from "./platform";

const MARKUP = "<img src=x onerror=alert(1)>";
const GOOD = 10;

/** A folder of good pictures with bad files of different kinds among them, as people have them. */
function folder(platform: Platform): string {
  const root = join(mkdtempSync(join(tmpdir(), "quorate-page-")), "shelf");
  mkdirSync(join(root, "inner"), { recursive: true });
  const samples = readdirSync(platform.pictures)
    .filter((name) => name.startsWith("sample"))
    .sort();
  for (const [number, name] of samples.slice(0, GOOD).entries()) {
    copyFileSync(join(platform.pictures, name), join(root, number % 2 ? "inner" : "", name));
  }
  const picture = readFileSync(join(platform.pictures, samples[0] ?? ""));
  writeFileSync(join(root, "again.png"), picture);
  writeFileSync(join(root, "empty.jpg"), "");
  writeFileSync(join(root, "notes.jpg"), "not a picture");
  writeFileSync(join(root, "moving.gif"), "GIF89a and more");
  writeFileSync(join(root, "cut.jpg"), Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200)]));
  writeFileSync(join(root, "cut.png"), picture.subarray(0, 60));
  writeFileSync(join(root, "<b onmouseover=alert(1)>.jpg"), "BM but no bitmap at all");
  writeFileSync(join(root, ".DS_Store"), "x");
  return root;
}

test("a folder with bad files among the good: made, uploaded, labeled and exported by the page", async ({
  page,
  platform,
}) => {
  const shelf = folder(platform);
  await open(page, platform, "client", "/tasks");
  await expect(page.getByRole("heading", { name: "Tasks" })).toBeVisible();
  await page.keyboard.press("n");
  await page.getByLabel("Name", { exact: true }).fill(`Shelves ${MARKUP}`);
  await page.getByRole("textbox", { name: "Labels" }).fill(`red, blue, ${MARKUP}`);
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Instructions" }).fill(`First line\n${MARKUP}`);
  await page.getByLabel("Choose a folder").last().setInputFiles(shelf);
  await expect(page.getByText("14 files")).toBeVisible();
  await expect(page.getByText("4 will be refused: why")).toBeVisible();
  await page.getByRole("button", { name: "Create and upload" }).click();

  await expect(page.getByRole("heading", { level: 1 })).toContainText(`Shelves ${MARKUP}`);
  await expect(page.getByText("Upload finished: 18 files")).toBeVisible();
  const counts = Object.fromEntries(
    await page
      .locator("[data-status]")
      .evaluateAll((all) =>
        all.map((one) => [one.getAttribute("data-status"), Number(one.getAttribute("data-count"))]),
      ),
  );
  expect(counts).toEqual({ accepted: GOOD, duplicate: 1, rejected: 6, skipped: 1 });
  await page.getByRole("button", { name: "Show the report" }).click();
  const report = page.getByRole("table");
  await expect(report.getByRole("row")).toHaveCount(18 + 1 + 2); // and what stands for rows not shown
  for (const name of ["empty.jpg", "notes.jpg", "moving.gif", "cut.jpg", "cut.png", "<b onmouseover=alert(1)>.jpg"]) {
    await expect(report.getByRole("row").filter({ hasText: `shelf/${name}` })).toContainText("refused");
  }
  const [csv] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Report as CSV" }).click(),
  ]);
  const lines = readFileSync(await csv.path(), "utf8")
    .trim()
    .split("\r\n");
  expect(lines).toHaveLength(19);
  await expect(page.locator("h1")).toContainText("Sealed");
  rmSync(join(shelf, ".."), { recursive: true });

  const task = new URL(page.url()).pathname.split("/")[2] ?? "";
  await page.reload();
  await expect(page.getByText("Upload finished: 18 files")).toBeVisible();
  await page.getByText("Instructions").click();
  await expect(page.getByText(`First line ${MARKUP}`)).toBeVisible();
  await voteAll(platform, task, { ann: MARKUP, ben: MARKUP });
  await expect(page.locator("h1")).toContainText("Completed"); // by the stream, nobody reloads
  await expect(page.getByRole("gridcell").filter({ hasText: MARKUP })).toHaveCount(GOOD);

  await page.keyboard.press("x");
  const [exported] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "JSON Lines" }).click(),
  ]);
  const results = readFileSync(await exported.path(), "utf8")
    .trim()
    .split("\n");
  expect(results.map((line) => JSON.parse(line).label)).toEqual(Array(GOOD).fill(MARKUP));

  await page.goto(`${platform.pageUrl}/tasks?state=completed`);
  await expect(page.getByRole("listitem").filter({ hasText: `Shelves ${MARKUP}` })).toContainText("10 / 10");
});

test("the platform's refusals stand at their fields, and a label that is there twice is flagged as typed", async ({
  page,
  platform,
}) => {
  await open(page, platform, "client", "/tasks/new");
  await page.getByRole("button", { name: "Create without pictures" }).click();
  await expect(page.getByText("A task needs a name.")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await page.getByRole("textbox", { name: "Labels" }).fill("Straße, STRASSE");
  await page.keyboard.press("Enter");
  await expect(page.getByText("This label is there twice")).toBeVisible();
  await page.getByRole("textbox", { name: "Label 2" }).fill("lane");
  await page.keyboard.press("Alt+ArrowUp");
  await expect(page.getByRole("textbox", { name: "Label 1" })).toHaveValue("lane");
  await expect(page.getByRole("textbox", { name: "Label 1" })).toBeFocused();
  await page.getByLabel("Name", { exact: true }).fill("Streets");
  await page.getByRole("button", { name: "Create without pictures" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Streets");
  await expect(page.getByText("This task has no image yet")).toBeVisible();
});

test("disputes are decided by keyboard, and decided again", async ({ page, platform }) => {
  const task = await platform.task("Two minds", 3, {
    quorum: { votes_required: 2, max_votes: 2, stop: "exact" },
    detector: { mode: "off" },
  });
  await voteAll(platform, task, { ann: "red square", ben: "blue square" });
  await open(page, platform, "judge", `/disputes?task=${task}`);
  await expect(page.getByText("3 waiting")).toBeVisible();
  await expect(page.getByRole("link", { name: /^Disputes\s*\d/ })).toBeVisible();
  await expect(page.getByRole("region", { name: "Votes" })).toContainText("ann");
  await page.keyboard.press("3");
  await page.keyboard.press("Enter");
  await expect(page.getByText("2 waiting")).toBeVisible();
  await expect(page.getByText("Decided: blue square.")).toBeVisible();
  await page.keyboard.press("1");
  await page.keyboard.press("r");
  await page.keyboard.type(`the ${MARKUP} is red`);
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 waiting")).toBeVisible();
  await page.getByRole("button", { name: "Decide again" }).click();
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Decided: green square.")).toBeVisible();
  await page.keyboard.press("1");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Nobody disagrees")).toBeVisible();
  await expect
    .poll(async () => {
      const { items } = await platform.json("GET", `/api/tasks/${task}/images`);
      return items.map((item: { label: string; revision: number }) => `${item.label} ${item.revision}`).sort();
    })
    .toEqual(["blue square 2", "green square 3", "red square 2"]);
});

test("images of a task: filters, the drawer by keyboard, and no votes of an open image", async ({ page, platform }) => {
  const task = await platform.task("Looked at", 12, { quorum: { votes_required: 3 }, detector: { mode: "off" } });
  await voteAll(platform, task, { ann: "red square" });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await open(page, platform, "client", `/tasks/${task}`);
  await expect(page.getByRole("gridcell")).toHaveCount(12);
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog");
  await expect(drawer).toContainText("Votes are shown when the image has ended");
  await expect(drawer).not.toContainText("ann");
  expect(asked.filter((path) => path.startsWith("/api/subtasks/"))).toEqual([]);
  const before = page.url();
  await page.keyboard.press("j");
  await expect(page).not.toHaveURL(before);
  await page.keyboard.press("Escape");
  await expect(drawer).toHaveCount(0);

  await voteAll(platform, task, { ben: "red square" });
  await page.keyboard.press("3");
  await expect(page).toHaveURL(/state=completed/);
  await expect(page.getByRole("gridcell")).toHaveCount(12);
  await page.getByRole("gridcell").first().getByRole("link").click();
  await expect(drawer.getByRole("listitem").filter({ hasText: "ann" })).toContainText("red square");
  await page.keyboard.press("Escape");
  await page.getByLabel("Label", { exact: true }).selectOption(LABELS[1] ?? "");
  await expect(page.getByText("No image is like that")).toBeVisible();
  await page.getByLabel("Label", { exact: true }).selectOption("");
  await page.getByLabel("Order").selectOption({ label: "Newest first" });
  await expect(page).toHaveURL(/state=completed&order=newest/);
  await page.keyboard.press("/");
  await page.keyboard.type("SAMPLE-00");
  await expect(page).toHaveURL(/filename=SAMPLE-00/);
  await expect(page.getByRole("gridcell")).toHaveCount(9);
  await expect(page.getByLabel("Find a file")).toBeFocused();
  await expect(page.getByRole("gridcell").first().getByRole("img")).toHaveAttribute("alt", "sample-009.jpg");
  await page.goto(`${platform.pageUrl}/tasks/${task}?against_detector=true&agreement_from=0.6&agreement_below=0.7`);
  await expect(page.getByText("No image is like that")).toBeVisible();
  await page.getByRole("button", { name: "Without Against the detector" }).click();
  await page.getByRole("button", { name: "Without Agreement 60% to 70%" }).click();
  await expect(page.getByRole("gridcell")).toHaveCount(12);
});

test("bars and cells of a task's statistics filter its images", async ({ page, platform }) => {
  const task = await platform.task("Counted", 6, { quorum: { votes_required: 1 }, detector: { mode: "suggest" } });
  await voteAll(platform, task, { ann: LABELS[0] ?? "" });
  await open(page, platform, "client", `/tasks/${task}`);
  const panels = page.getByRole("region", { name: "Statistics" });
  await panels.getByRole("button", { name: "red square 6", exact: true }).click();
  await expect(page).toHaveURL(/label=red\+square/);
  await panels.getByRole("button", { name: "100% agreement: 6 settled" }).click();
  await expect(page).toHaveURL(/label=red\+square&agreement_from=1$/);
  await expect(page.getByRole("gridcell")).toHaveCount(6);
  const cell = panels.getByRole("button", { name: /^people red square, detector/ }).first();
  const behind = Number(await cell.textContent());
  await cell.click();
  await expect(page).toHaveURL(/suggested=/);
  await expect(page.getByRole("gridcell")).toHaveCount(behind);
});

test("seal, reopen, edit, remove an image, finish and erase", async ({ page, platform }) => {
  const task = await platform.task("Lifecycle", 4, { detector: { mode: "off" } });
  await open(page, platform, "client", `/tasks/${task}`);
  const act = async (name: string) => {
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  const dialog = page.getByRole("dialog");
  await act("Reopen");
  await dialog.getByRole("button", { name: "Reopen" }).click();
  await expect(page.locator("h1")).toContainText("Open");
  await act("Seal");
  await dialog.getByRole("button", { name: "Seal" }).click();
  await expect(page.locator("h1")).toContainText("Sealed");
  await act("Edit");
  await dialog.getByLabel("Name", { exact: true }).fill("Renamed & <b>bold</b>");
  await dialog.getByText("Shown as").click();
  await dialog.getByLabel("red square").fill("rot");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("h1")).toContainText("Renamed & <b>bold</b>");
  await expect(page.getByRole("option", { name: "rot" })).toBeAttached();

  await page.getByRole("gridcell").first().getByRole("link").click();
  await page.getByRole("button", { name: "Remove image" }).click();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByRole("gridcell")).toHaveCount(3);

  await act("Finish now");
  await dialog.getByLabel("Reason").fill("enough");
  await dialog.getByRole("button", { name: "Finish now" }).click();
  await expect(page.locator("h1")).toContainText("Completed");
  await act("Erase");
  await dialog.getByRole("textbox").fill("something else");
  await dialog.getByRole("button", { name: "Erase" }).click();
  await expect(dialog).toContainText("This is not the name of the task.");
  await dialog.getByRole("textbox").fill("Renamed & <b>bold</b>");
  await dialog.getByRole("button", { name: "Erase" }).click();
  await expect(page).toHaveURL(/\/tasks$/);
});

test("the detector looks at a picture", async ({ page, platform }) => {
  await open(page, platform, "client", "/detect");
  const sample = readdirSync(platform.pictures).find((name) => name.startsWith("sample")) ?? "";
  await page.getByLabel("Picture").setInputFiles(join(platform.pictures, sample));
  await expect(page.getByRole("img", { name: sample })).toBeVisible();
  await expect(page.getByText(/Answered in \d+ ms/)).toBeVisible();
});

test("the administrator sees replicas and queues", async ({ page, platform }) => {
  await open(page, platform, "admin", "/admin");
  await expect(page.getByRole("row").filter({ hasText: "task_manager" })).not.toHaveCount(0);
  await expect(page.getByRole("region", { name: "Services" })).toContainText("ms");
  await expect(page.getByText("No letter is dead")).toBeVisible();
});

test("a dead letter is read and discarded", async ({ page, platform }) => {
  const letter = {
    id: "q.v1:7",
    queue: "q.v1",
    type: "subtask.completed.v1",
    subject: "s",
    reason: "<b>why</b>",
    died_at: "2026-11-27T10:00:00.000Z",
  };
  let isThere = true;
  await page.route("**/api/admin/dead?**", (route) => route.fulfill({ json: { items: isThere ? [letter] : [] } }));
  await page.route("**/api/admin/dead/q.v1%3A7", (route) => {
    if (route.request().method() === "GET") return route.fulfill({ json: { ...letter, payload: '{"label":"<i>"}' } });
    isThere = false;
    return route.fulfill({ status: 204 });
  });
  await open(page, platform, "admin", "/admin");
  const row = page.getByRole("row").filter({ hasText: "<b>why</b>" });
  await row.getByRole("button", { name: "Payload" }).click();
  await expect(page.getByRole("dialog")).toContainText('"label": "<i>"');
  await page.keyboard.press("Escape");
  await row.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
  await expect(page.getByText("No letter is dead")).toBeVisible();
});
