/** Texts of the page where disputes are decided. */
import { en } from "./en";

export const disputes = {
  title: "Disputes",
  waiting: (count: number, isMore: boolean) => `${en.number(count)}${isMore ? "+" : ""} waiting`,
  none: "Nobody disagrees",
  noneDetail: "Images whose votes end without a winner come here.",
  queue: "Disputed images",
  image: (position: number) => `Disputed image ${en.number(position)}`,
  picture: "Image to decide",
  tally: (votes: readonly number[]) => votes.map(en.number).join(" : "),
  votes: "Votes",
  noVotes: "Nobody voted; it was skipped too often.",
  unsure: "unsure",
  detector: "Detector",
  decide: "Decide",
  reason: "Reason",
  reasons: ["clear to me", "picture too poor", "label set lacks it"],
  reasonNeeded: "A decision needs a reason.",
  go: "Decide",
  chosen: (label: string) => `Decide: ${label}`,
  choose: "Choose a label first.",
  decided: (label: string) => `Decided: ${label}.`,
  again: "Decide again",
  more: "Load more",
  onlyTask: "Of one task only.",
  allTasks: "Show all",
};
