/** Texts of the page that asks the detector about one picture. */
import { en } from "./en";

const milliseconds = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** What the stages of an answer are called; any other by its own name. */
const STAGES: Readonly<Record<string, string>> = {
  upload: "upload",
  decode: "decoding",
  queue: "waiting",
  model: "model",
};

export const detect = {
  title: "Detect",
  drop: "Drop or paste a picture",
  detail: "The detector looks at it, and nothing is stored.",
  choose: "Choose a picture",
  another: "Another picture",
  looking: "The detector is looking",
  picture: "Picture",
  found: (count: number) => en.counted(count, "object", "objects"),
  nothing: "Nothing is above this confidence.",
  confidence: "Confidence",
  least: (share: number) => `from ${en.percent(share)}`,
  total: (ms: number) => `Answered in ${milliseconds.format(ms)} ms`,
  stage: (name: string, ms: number) => `${STAGES[name] ?? name} ${milliseconds.format(ms)} ms`,
  json: "Copy JSON",
  curl: "Copy curl",
  model: (name: string, width: number, height: number, classes: number) =>
    `${name}, ${width} × ${height}, ${en.counted(classes, "class", "classes")}`,
  load: (waiting: number, threads: number) =>
    `${en.number(waiting)} waiting, ${en.counted(threads, "thread", "threads")}`,
  none: "No detector is running here",
  noneDetail: "Start the platform with a model:",
  command: "make serve MODEL=path/to/model.cfg",
};
