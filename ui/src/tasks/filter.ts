/** Which images of a task the grid shows, and in which order; it is in the address. */
import { useMemo } from "react";
import { useSearchParams } from "wouter";
import type { Schemas } from "../api/client";
import type { paths } from "../api/openapi";

type Query = NonNullable<paths["/api/tasks/{task_id}/images"]["get"]["parameters"]["query"]>;

export type ImageState = Schemas["ImageResult"]["state"];
export type DecidedBy = NonNullable<Schemas["ImageResult"]["decided_by"]>;
export type Filter = Omit<Query, "cursor" | "limit">;
/** What becomes of a filter; null takes a part away. */
export type Change = { [Part in keyof Filter]?: Filter[Part] | null };

export const STATES = [
  "open",
  "completed",
  "disputed",
  "processing",
  "failed",
] as const satisfies readonly ImageState[];
export type ShownState = (typeof STATES)[number];

/** The states that images of a task can be in: those of a pipeline only where it has one. */
export function statesOf({ pipeline }: { pipeline: object | null }): readonly ShownState[] {
  return pipeline ? STATES : STATES.slice(0, 3);
}
export const ORDERS = ["id", "newest", "name", "uncertain", "confident"] as const;
export const DECIDERS: readonly DecidedBy[] = [
  "quorum",
  "settled",
  "lead",
  "detector",
  "adjudicator",
  "client",
  "pipeline",
];
const TEXTS = ["label", "suggested", "filename"] as const;
const SHARES = ["agreement_from", "agreement_below"] as const;

/** The filter that an address names; what it names wrongly is left out. */
export function filterOf(query: URLSearchParams): Filter {
  const filter: Filter = {};
  const state = STATES.find((one) => one === query.get("state"));
  const order = ORDERS.find((one) => one === query.get("order"));
  const decidedBy = DECIDERS.find((one) => one === query.get("decided_by"));
  const against = query.get("against_detector");
  if (state) filter.state = state;
  if (order && order !== "id") filter.order = order;
  if (decidedBy) filter.decided_by = decidedBy;
  if (against === "true" || against === "false") filter.against_detector = against === "true";
  for (const name of TEXTS) {
    const text = query.get(name);
    if (text) filter[name] = text;
  }
  for (const name of SHARES) {
    const share = Number(query.get(name) || Number.NaN);
    if (share >= 0 && share <= 1) filter[name] = share;
  }
  return filter;
}

/** A filter after a change. Open images have no agreement to be sorted by. */
export function changed(filter: Filter, change: Change): Filter {
  const entries = Object.entries({ ...filter, ...change }).filter(([, value]) => value !== null && value !== "");
  const after: Filter = Object.fromEntries(entries);
  if (after.state === "open" && (after.order === "uncertain" || after.order === "confident")) delete after.order;
  return after;
}

export function addressOf(filter: Filter): URLSearchParams {
  return new URLSearchParams(Object.entries(filter).map(([name, value]) => [name, String(value)]));
}

export function useFilter() {
  const [query, setQuery] = useSearchParams();
  const address = query.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(address)), [address]);
  const change = (part: Change) => setQuery(addressOf(changed(filter, part)), { replace: true });
  const clear = () => setQuery(new URLSearchParams(), { replace: true });
  return { filter, change, clear };
}
