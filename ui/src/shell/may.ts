/** The one place that says what a caller may do; navigation, pages and buttons ask here. */
import type { Me, Role } from "../api/fields";

export type Deed =
  | "label"
  | "see-tasks"
  | "make-tasks"
  | "edit-tasks"
  | "see-votes"
  | "adjudicate"
  | "detect"
  | "administer";

const DOERS: Record<Deed, readonly Role[]> = {
  label: ["operator"],
  "see-tasks": ["client", "adjudicator"],
  "make-tasks": ["client"],
  "edit-tasks": ["client"],
  "see-votes": ["client", "adjudicator"],
  adjudicate: ["adjudicator"],
  detect: ["client"],
  administer: ["admin"],
};

export function may(me: Me, deed: Deed): boolean {
  return DOERS[deed].some((role) => me.user.roles.includes(role));
}
