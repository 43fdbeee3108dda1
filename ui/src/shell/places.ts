/** The pages: where each one is, who may go there, and how its code is loaded. A new page is a line here. */
import { type ComponentType, lazy } from "react";
import type { Me } from "../api/fields";
import Label from "../label/Label"; // comes with the shell, for most people come to vote; the others load when asked for
import { en } from "../texts/en";
import type { Deed } from "./may";
import { RETURN } from "./signInAddress";

export interface Place {
  path: string;
  deed: Deed | null;
  page: ComponentType;
  /** Its name in the top bar; pages without one are reached from others. */
  name?: string;
  /** The second key of `g` and it. */
  key?: string;
  /** How many things wait there, beside its name; the platform counts to `MOST_COUNTED`. */
  count?: (me: Me) => number;
}

export const MOST_COUNTED = 100;

export const PLACES: readonly Place[] = [
  { path: "/label/:task?", deed: "label", page: Label, name: en.places.label, key: "l" },
  { path: "/tasks", deed: "see-tasks", page: lazy(() => import("../tasks/Board")), name: en.places.tasks, key: "t" },
  { path: "/tasks/new", deed: "make-tasks", page: lazy(() => import("../tasks/NewTask")) },
  { path: "/tasks/:task/*?", deed: "see-tasks", page: lazy(() => import("../tasks/TaskPage")) },
  {
    path: "/disputes",
    deed: "adjudicate",
    page: lazy(() => import("../disputes/Disputes")),
    name: en.places.disputes,
    key: "d",
    count: (me) => me.disputes_open,
  },
  {
    path: "/recognise/:job?",
    deed: "recognise",
    page: lazy(() => import("../recognise/Recognise")),
    name: en.places.recognise,
    key: "r",
  },
  { path: "/detect", deed: "detect", page: lazy(() => import("../detect/Detect")), name: en.places.detect, key: "e" },
  { path: "/admin", deed: "administer", page: lazy(() => import("../admin/Admin")), name: en.places.admin, key: "a" },
  { path: "/admin/teams", deed: "make-teams", page: lazy(() => import("../admin/Teams")) },
  { path: "/admin/quotas", deed: "operate", page: lazy(() => import("../admin/Quotas")) },
  { path: "/admin/people", deed: "manage-people", page: lazy(() => import("../admin/People")) },
  { path: "/admin/invitations", deed: "manage-people", page: lazy(() => import("../admin/Invitations")) },
  { path: "/admin/keys", deed: "manage-people", page: lazy(() => import("../admin/TeamKeys")) },
  { path: "/admin/webhooks", deed: "administer", page: lazy(() => import("../admin/Webhooks")) },
  { path: "/admin/webhooks/:webhook", deed: "administer", page: lazy(() => import("../admin/Deliveries")) },
  { path: "/admin/operators", deed: "administer", page: lazy(() => import("../admin/OperatorsReport")) },
  { path: "/admin/audit", deed: "manage-people", page: lazy(() => import("../admin/Audit")) },
  { path: "/device", deed: "have-account", page: lazy(() => import("../account/Device")) },
  { path: "/account", deed: "have-account", page: lazy(() => import("../account/Account")) },
  { path: "/settings", deed: null, page: lazy(() => import("../settings/Settings")) },
];

/** What is shown to people who are not signed in; a link also to others. */
export const OUTSIDE: readonly Pick<Place, "path" | "page">[] = [
  { path: RETURN, page: lazy(() => import("../account/ComeBack")) },
  { path: "/sign-in", page: lazy(() => import("../account/SignIn")) },
  { path: "/link/:token?", page: lazy(() => import("../account/TakeLink")) },
];

/** Where a place's link leads: its path without parameters. */
export function hrefOf(place: Place): string {
  return place.path.replace(/\/:.*$/, "");
}
