/** Tasks for tests and pictures that go through all pages, made once for a platform. */
import { readFileSync } from "node:fs";
import { expect, voteAll } from "./fixtures";
import type { Platform } from "./platform";

const UNTIL_ENDED = { quorum: { votes_required: 2, max_votes: 2, stop: "exact" }, detector: { mode: "off" } };
const LONG = "A label whose name is so long that it takes two lines and more on a telephone";

export interface Tasks {
  label: string;
  disputed: string;
  half: string;
  few: string;
  empty: string;
  many: string;
  hundreds: string;
}

const made = new Map<Platform, Promise<Tasks>>();

/** Tasks in every state, made once for a platform. */
export function tasksOf(platform: Platform): Promise<Tasks> {
  const tasks = made.get(platform) ?? make(platform);
  made.set(platform, tasks);
  return tasks;
}

async function make(platform: Platform): Promise<Tasks> {
  const disputed = await platform.task("Shelf photos, week 47", 6, UNTIL_ENDED);
  await voteAll(platform, disputed, { ann: "red square", ben: "blue square" });
  const suggested = { quorum: { votes_required: 3 }, detector: { mode: "suggest" } };
  const half = await platform.task("Main subject, batch 14", 24, suggested);
  await voteAll(platform, half, { ann: "red square" });
  await voteAll(platform, half, { ben: "red square" }, 15);
  return {
    disputed,
    half,
    label: await platform.task("Main colour, batch 14", 40, { allow_unsure: true, quorum: { votes_required: 100 } }),
    few: await platform.task("One image", 1, { quorum: { votes_required: 100 } }),
    empty: (await platform.json("POST", "/api/tasks", { name: "Not begun yet", labels: ["a", "b"] })).id,
    many: await platform.task("Thirty labels", 8, {
      labels: [LONG, ...Array.from({ length: 29 }, (_, number) => `label ${number + 2}`)],
      quorum: { votes_required: 100 },
    }),
    hundreds: await platform.task("Hundreds of labels", 8, {
      labels: ["red square", ...Array.from({ length: 150 }, (_, number) => `label ${number}`)],
      quorum: { votes_required: 100 },
    }),
  };
}

const cut = new Map<Platform, Promise<string>>();

/** A task whose pipeline cuts a picture into pieces. */
export function piecesOf(platform: Platform): Promise<string> {
  const task = cut.get(platform) ?? pieces(platform);
  cut.set(platform, task);
  return task;
}

async function pieces(platform: Platform): Promise<string> {
  const large = await platform.largePicture(1);
  const pictures = [{ name: "harbour.jpg", bytes: readFileSync(large) }];
  const place = { left: 200, top: 150, width: 600, height: 400 };
  const operations = [
    ["crop", place],
    ["split", true],
    ["split", true],
  ];
  const task = await platform.taskOf("Harbour in pieces", pictures, { pipeline: { operations } });
  const counts = async () => (await platform.json("GET", `/api/tasks/${task}`)).counts;
  await expect.poll(counts, { timeout: 60_000 }).toMatchObject({ open: 16, processing: 0 });
  return task;
}

/** Who is wrong where: the first two never, the others on a third of the images each, and together on every eighth. */
const LIARS = { dot: null, eli: null, fay: 0, gus: 1, hal: 2 };

/** A task on whose images an estimate by confusion believes the two who are mostly right, against the record. */
export async function doubtedTask(platform: Platform, name: string): Promise<string> {
  const [one, other] = ["red square", "blue square"] as const;
  const quorum = { votes_required: 5, max_votes: 5, stop: "exact" };
  const task = await platform.task(name, 40, { labels: [one, other], quorum, detector: { mode: "off" } });
  const order = await platform.images(task);
  for (const [user, third] of Object.entries(LIARS)) {
    const says = (place: number) => {
      const isWrong = third !== null && (place % 3 === third || place % 8 === 0);
      return (place % 2 === 0) === isWrong ? other : one;
    };
    let left = order.length;
    const vote = async () => {
      const { leases } = await platform.json("POST", "/api/leases", { count: left, task_id: task }, user);
      const votes = leases.map(({ subtask_id, token }: Record<string, string>) => ({
        subtask_id,
        token,
        label: says(order.indexOf(subtask_id ?? "")),
      }));
      if (votes.length > 0) await platform.json("POST", "/api/votes", { votes }, user);
      left -= votes.length;
      return left;
    };
    await expect.poll(vote, { timeout: 20_000 }).toBe(0);
  }
  return task;
}
