/** The one place that says what a caller may do; navigation, pages and buttons ask here. */
import type { Me, Role } from "../api/fields";

export type Deed =
  | "label"
  | "see-tasks"
  | "make-tasks"
  | "edit-tasks"
  | "invite-operators"
  | "see-votes"
  | "adjudicate"
  | "estimate"
  | "detect"
  | "recognise"
  | "administer"
  | "operate"
  | "make-teams"
  | "manage-people"
  | "have-account";

const DOERS: Record<Deed, readonly Role[]> = {
  label: ["operator"],
  "see-tasks": ["client", "adjudicator", "admin"],
  "make-tasks": ["client"],
  "edit-tasks": ["client"],
  "invite-operators": ["client", "admin"],
  "see-votes": ["client", "adjudicator"],
  adjudicate: ["adjudicator"],
  estimate: ["client", "adjudicator", "admin"],
  detect: ["client", "operator", "adjudicator"],
  recognise: ["client"],
  administer: ["admin"],
  operate: ["admin"],
  "make-teams": ["admin"],
  "manage-people": ["admin"],
  "have-account": ["client", "operator", "adjudicator", "admin"],
};

/** Its admins run the platform for all teams. */
const FIRST_TEAM = "first";

/** What takes more than a role. */
const ONLY_IF: Partial<Record<Deed, (me: Me) => boolean>> = {
  operate: ({ team }) => team === FIRST_TEAM,
  "make-teams": ({ team, auth }) => team === FIRST_TEAM && auth === "on",
  "manage-people": ({ auth }) => auth === "on",
  "have-account": ({ auth }) => auth === "on",
};

export function may(me: Me, deed: Deed): boolean {
  if (ONLY_IF[deed]?.(me) === false) return false;
  return DOERS[deed].some((role) => me.user.roles.includes(role));
}
