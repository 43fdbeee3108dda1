/** Texts of the Label page; they are loaded with it. */
import { en } from "./en";

export const label = {
  question: "Which label fits best?",
  image: "Image",
  imageToLabel: "Image to label",
  labels: "Labels",
  full: "Full instructions",
  instructions: "Instructions",
  noInstructions: "This task has no instructions.",
  detector: "detector",
  unsure: "Unsure",
  skip: "Skip",
  undo: "Undo",
  today: "Today",
  pace: "Pace",
  perMinute: "/min",
  yoursFor: "Yours for",
  strip: "Recent and next images",
  now: "now",
  view: "View",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Fit",
  boxes: "Detector's boxes",
  find: "Find a label",
  recent: "Recent",
  found: (count: number, name: string | undefined) =>
    name === undefined ? "No label found." : `${en.counted(count, "label", "labels")}. Enter votes ${name}.`,
  size: (width: number, height: number) => `${width} × ${height}`,
  crumb: (filename: string | null, size: string | null) =>
    [filename && `image ${filename}`, size].filter(Boolean).join(", "),
  undoPast: (name: string) => `Undo ${name}`,
  tips: { hide: "hold to hide boxes", zoom: "zoom", grid: "grid", all: "all keys" },
  mode: { name: "Mode", one: "One", grid: "Grid" },
  clock(milliseconds: number): string {
    const seconds = Math.floor(milliseconds / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  },
  grid: {
    how: "Mark what is not as the detector says, then vote for the rest. Marked ones come back one at a time.",
    move: "move",
    mark: "mark",
    says: "the detector says so, most sure first",
    count: (left: number, of: number, more: number) =>
      `${en.number(left)} of ${en.number(of)} will be voted${more > 0 ? `, ${en.number(more)} more after these` : ""}`,
    vote: (name: string, left: number) => (left > 0 ? `Vote ${name} for ${en.number(left)}` : "Leave these for later"),
    voteAll: (left: number) => `Vote all rows: ${en.counted(left, "image", "images")}`,
    not: (name: string) => `not ${name}`,
    picture: (position: number) => `Picture ${en.number(position)}`,
    ends: (time: string) => `${time} left`,
    voted: (count: number) => `Voted for ${en.counted(count, "image", "images")}.`,
    relabeled: (name: string) => `Voted ${name}.`,
    undone: (count: number) => `${en.counted(count, "vote", "votes")} undone.`,
    none: "The detector has no suggestion here",
    noneDetail: "Label these images one by one.",
    oneByOne: "Label one by one",
  },
  suggests: (name: string, share: number | null) =>
    share === null
      ? `Detector suggests ${name}.`
      : `Detector suggests ${name}, ${en.percent(share).replace("%", " percent")}.`,
  announced: (count: number) => `Image ${en.number(count)}.`,
  notice: {
    nothingToUndo: "There is no vote to undo.",
    beingSent: "That vote is on its way and can't be undone until it has arrived.",
    notUndone: (why: string) => `Not undone: ${why}.`,
    exchanged: "That image went to somebody else. Here is the next one.",
    voted: "You have voted on that image already.",
    notGivenBack: "The image could not be given back; it goes to somebody else when its time is up.",
  },
  none: {
    title: "Nothing waits for you",
    others: (count: number) =>
      count === 0
        ? "New images appear here by themselves."
        : `${en.counted(count, "image waits", "images wait")} for other people.`,
    mine: (count: number) => `You cast ${en.counted(count, "vote", "votes")} today. Thank you.`,
    alone: "If you label alone, ask for one vote in the task.",
    look: "Look again",
    task: "Open the task",
    choose: "Other tasks",
    make: "Make a task of your own pictures",
  },
  choose: {
    title: "What do you want to label?",
    tasks: "Tasks",
    any: "Whatever is oldest",
    unnamed: "A task without a name",
    labels: (count: number) => en.counted(count, "label", "labels"),
    suggestions: "the detector suggests",
    others: (count: number) =>
      `${en.number(count)}${count < MOST_WAITING ? "" : " or more"} ${count === 1 ? "image waits" : "images wait"} for other people`,
  },
  finished: { title: "This task is finished", results: "See the results", next: "Next task" },
  broken: {
    title: "This picture can't be shown",
    detail: "The others go on. Skip it, and somebody else may have more luck.",
  },
  elsewhere: {
    title: "You are labeling in another tab",
    detail: "One tab works at a time, so that no image is asked for twice.",
    here: "Work here instead",
  },
  still: {
    title: "Still there?",
    detail: (count: number) => `Press any key to keep ${en.counted(count, "image", "images")}.`,
    keep: "Keep them",
  },
  notCounted: {
    title: "Not counted",
    detail: "The platform refused these votes; nobody's work depends on them.",
    dismiss: "Clear the list",
    open: (count: number) => `Not counted (${en.number(count)})`,
    why: ({ code, detail }: { code: string; detail: string }) => REFUSED[code] ?? detail,
  },
};

/** The platform counts the images of a task that wait for others to here. */
const MOST_WAITING = 100;

/** Why a vote was not counted, by the platform's code; any other in the platform's own words. */
const REFUSED: Readonly<Record<string, string>> = {
  "other-label": "You have voted for another label on this image.",
  "lease-lost": "The image was no longer yours.",
  "place-taken": "The image was given to another person in the meantime.",
  settled: "The image was settled in the meantime.",
  disputed: "The image became a dispute in the meantime.",
  cancelled: "The task was cancelled.",
  "not-found": "The image is no longer there.",
  "unknown-label": "The task has no such label.",
};
