/** Who may label a task: null for all operators of its team, else the ids of those who were invited. */
import type { Schemas } from "../api/client";

export type Invited = readonly string[] | null;

/** What has to be asked for to come from one to the other. */
export function changeOf(before: Invited, after: Invited): Schemas["InvitedChange"] {
  if (after === null) return { only_invited: false, invite: [], uninvite: [] };
  const known = before ?? [];
  return {
    only_invited: true,
    invite: after.filter((one) => !known.includes(one)),
    uninvite: known.filter((one) => !after.includes(one)),
  };
}

/** Names as somebody types them, one a line. */
export function parseNames(text: string): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()))].filter((line) => line !== "");
}
