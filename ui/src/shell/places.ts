/** The pages: where each one is, who may go there, and how its code is loaded. A new page is a line here. */
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { en } from "../texts/en";

import type { Deed } from "./may";

export interface Place {
  path: string;
  deed: Deed | null;
  page: LazyExoticComponent<ComponentType>;
  /** Its name in the top bar; pages without one are reached from others. */
  name?: string;
  /** The second key of `g` and it. */
  key?: string;
}

export const PLACES: readonly Place[] = [
  { path: "/label/:task?", deed: "label", page: lazy(() => import("../label/Label")), name: en.places.label, key: "l" },
  { path: "/settings", deed: null, page: lazy(() => import("../settings/Settings")) },
];

/** Where a place's link leads: its path without parameters. */
export function hrefOf(place: Place): string {
  return place.path.replace(/\/:.*$/, "");
}
