import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { allSaved, expect, label, picture, test, vote } from "./fixtures";
import { LABELS } from "./platform";

const ROOT = join(import.meta.dirname, "../..");
const VOTES = 200;
const KILL_EVERY = 47;

test("SIGKILL during 200 votes: the history checker finds every vote that the page called saved, once", {
  tag: "@cut",
}, async ({ page, platform }) => {
  test.setTimeout(600_000);
  const pictures = platform.samples().slice(0, VOTES);
  const task = await platform.taskOf("Killed", pictures, { quorum: { votes_required: 1 }, detector: { mode: "off" } });
  await label(page, platform, "ina", task);
  const votes: { subtask: string; label: string; voter: string }[] = [];
  const press = async (key: number) =>
    votes.push({ subtask: await vote(page, String(key)), label: LABELS[key - 1] ?? "", voter: "ina" });
  while (votes.length < VOTES) {
    await press((votes.length % LABELS.length) + 1);
    if (votes.length % KILL_EVERY !== 0) continue;
    await platform.kill();
    await press(1); // an image that the page held, voted on while nobody answers
    await platform.restart();
    await expect(picture(page)).toBeVisible({ timeout: 60_000 });
  }
  await allSaved(page);
  await expect(page.getByRole("button", { name: /Not counted/ })).toHaveCount(0);
  const checked = spawnSync(join(ROOT, ".venv/bin/python"), ["-m", "tests.page.check", platform.url, task], {
    cwd: ROOT,
    encoding: "utf8",
    input: JSON.stringify({ labels: LABELS, pictures: platform.pictures, votes }),
  });
  expect(checked.stderr).toBe("");
  expect(JSON.parse(checked.stdout)).toEqual({ images: 0, votes: VOTES, completed: VOTES });
});
