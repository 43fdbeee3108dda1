/** Texts of the Task page's panels. */
import { en } from "./en";

export const statistics = {
  title: "Statistics",
  computing: "The statistics are being computed.",
  none: "No image is settled yet.",
  asOf: (when: string) => `As of ${when}. Newer results are being counted.`,
  votes: "votes cast",
  saved: "saved by stopping early",
  mean: "mean agreement",
  done: "done at about",
  agreement: "Agreement",
  agreementHint: "share of votes for the winner",
  tenth: (from: number, to: number, settled: number, disputed: number) =>
    `${from < to ? `${en.percent(from)} to ${en.percent(to)}` : en.percent(from)} agreement: ${en.number(settled)} settled, ${en.number(disputed)} disputed`,
  labels: "Labels",
  labelsHint: (labels: number, most: number) =>
    labels > most ? `the ${en.number(most)} most frequent of ${en.number(labels)}` : "pick one to filter",
  detector: "People and detector",
  detectorHint: "rows: what people settled on; columns: what the detector said",
  alike: (compared: number) => `alike on ${en.counted(compared, "image", "images")}.`,
  mistaken: (says: string, is: string, times: number, reverse: number) =>
    `It says ${says} for ${is} ${en.counted(times, "time", "times")}, ` +
    `${reverse === 0 ? "never the other way" : `the other way ${en.counted(reverse, "time", "times")}`}.`,
  cell: (people: string, detector: string, count: number) =>
    `people ${people}, detector ${detector}: ${en.counted(count, "image", "images")}`,
};
