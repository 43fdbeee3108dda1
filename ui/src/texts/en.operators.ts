/** Texts about who may label a task. */
import { en } from "./en";

export const operators = {
  only: "Only operators whom you invite",
  onlyHint: "To all others it is as if the task were not there. Otherwise every operator of the team may label it.",
  names: "Who is invited",
  ids: "Names, one a line, as people give them on the page.",
  none: "The team has no operator yet.",
  nobody: "Nobody is invited yet, so nobody can label it.",
  title: "Who may label it",
  detail: "Whoever is no longer invited loses what they hold. What they voted stays.",
  go: "Save",
  change: "Change who",
  left: (id: string) => `${id}, who is no operator of the team any more`,
  said: (names: readonly string[]) => `Only who is invited may label it: ${names.join(", ")}.`,
  counted: (count: number) => `Only who is invited may label it: ${en.counted(count, "person", "people")}.`,
};
