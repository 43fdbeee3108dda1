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
  size: (width: number, height: number) => `${width} × ${height}`,
  crumb: (filename: string | null, size: string | null) =>
    [filename && `image ${filename}`, size].filter(Boolean).join(", "),
  undoPast: (name: string) => `Undo ${name}`,
  tips: { hide: "hold to hide boxes", zoom: "zoom", all: "all keys" },
  suggests: (name: string, share: number | null) =>
    share === null
      ? `Detector suggests ${name}.`
      : `Detector suggests ${name}, ${en.percent(share).replace("%", " percent")}.`,
  announced: (count: number) => `Image ${en.number(count)}.`,
  keys: {
    vote: "vote for a label",
    unsure: "unsure, where the task allows it",
    skip: "skip: somebody else gets the image",
    undo: "undo the last vote",
    hold: "hold to hide the boxes",
    boxes: "boxes on or off",
    zoom: "zoom in, zoom out, fit",
    pan: "move the picture when zoomed in",
    instructions: "instructions",
  },
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
    look: "Look again",
  },
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
