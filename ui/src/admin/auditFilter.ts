/** What is asked of the audit, as it stands in the address: a day begins and ends where the browser is. */
import type { paths } from "../api/openapi";

export const FILTERS = ["action", "actor", "object", "from", "to"] as const;
export type Filter = (typeof FILTERS)[number];
type Asked = NonNullable<paths["/api/admin/audit"]["get"]["parameters"]["query"]>;
export type Wanted = Pick<Asked, "action" | "actor" | "object" | "since" | "until">;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What the address asks for; what it should not hold is left out. */
export function wantedOf(search: URLSearchParams, actions: readonly string[]): Wanted {
  const action = search.get("action");
  return {
    ...(action && actions.includes(action) && { action: action as NonNullable<Wanted["action"]> }),
    ...(search.get("actor") && { actor: search.get("actor") }),
    ...(search.get("object") && { object: search.get("object") }),
    ...beginning(search.get("from"), 0, "since"),
    ...beginning(search.get("to"), 1, "until"), // the last day counts
  };
}

function beginning(day: string | null, later: number, name: "since" | "until"): Wanted {
  if (!day || !DAY.test(day)) return {};
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const at = new Date(year, month - 1, date + later);
  return Number.isNaN(at.getTime()) ? {} : { [name]: at.toISOString() };
}

/** The address of the same entries as a file. */
export function exportOf(wanted: Wanted, format: "csv" | "jsonl"): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
  return `/api/admin/audit/export?${query}`;
}
