/** What teams have and may have, of both services that keep to it, as one list. */
import { api, bodyOf, type Schemas } from "../api/client";

export type Stored = Schemas["TeamQuotasShown"];
export type Leases = Schemas["LeaseQuotasPage"];

export const BYTES_PER_MB = 1_000_000;

/** A team's quotas: `own` was set for it, `limits` counts. */
export interface Row {
  team: string;
  usage: Stored["usage"];
  limits: Stored["limits"] & Schemas["LeaseQuotas"];
  own: Stored["own"] & Schemas["LeaseQuotas"];
}

/** What an admin types: null leaves it as the settings say. */
export interface Wanted {
  images: number | null;
  megabytes: number | null;
  openTasks: number | null;
  liveLeases: number | null;
}

export const FIELDS = ["images", "megabytes", "openTasks", "liveLeases"] as const;

/** The rows of what the services say. */
export function rows(stored: readonly Stored[], leases: Leases): Row[] {
  const byTeam = new Map(leases.items.map((one) => [one.team, one]));
  return stored.map(({ team, usage, limits, own }) => {
    const held = byTeam.get(team);
    return {
      team,
      usage,
      limits: { ...limits, ...(held?.limits ?? leases.defaults) },
      own: { ...own, live_leases: held?.own.live_leases ?? null },
    };
  });
}

/** What was set, as it is typed. */
export function typed({ own }: Row): Record<keyof Wanted, string> {
  const text = (value: number | null) => (value === null ? "" : String(value));
  return {
    images: text(own.images),
    megabytes: text(own.bytes === null ? null : own.bytes / BYTES_PER_MB),
    openTasks: text(own.open_tasks),
    liveLeases: text(own.live_leases),
  };
}

const WHOLE = /^[0-9]{1,9}$/;
const MEGABYTES = /^[0-9]{1,9}(\.[0-9]{1,6})?$/;

/** The fields as numbers, or the first one that is none. */
export function read(fields: FormData): Wanted | keyof Wanted {
  const wanted: Wanted = { images: null, megabytes: null, openTasks: null, liveLeases: null };
  for (const field of FIELDS) {
    const text = String(fields.get(field) ?? "").trim();
    const form = field === "megabytes" ? MEGABYTES : WHOLE;
    if (text !== "" && !form.test(text)) return field;
    wanted[field] = text === "" ? null : Number(text);
  }
  return wanted;
}

/** Tells both services; one that is told the same again changes nothing. */
export async function save(team: string, wanted: Wanted): Promise<void> {
  const params = { path: { team } };
  const bytes = wanted.megabytes === null ? null : Math.round(wanted.megabytes * BYTES_PER_MB);
  const body = { images: wanted.images, bytes, open_tasks: wanted.openTasks };
  await api.PUT("/api/admin/quotas/{team}", { params, body });
  await api.PUT("/api/leases/quotas/{team}", { params, body: { live_leases: wanted.liveLeases } });
}

const AT_ONCE = 1000;

/** How many leases operators may hold, of every team for which it was set. */
export async function leaseQuotas(signal: AbortSignal): Promise<Leases> {
  const found: Leases = { defaults: { live_leases: null }, items: [], next_cursor: null };
  do {
    const query = { limit: AT_ONCE, cursor: found.next_cursor };
    const page = bodyOf(await api.GET("/api/leases/quotas", { params: { query }, signal }));
    found.items.push(...page.items);
    found.defaults = page.defaults;
    found.next_cursor = page.next_cursor;
  } while (found.next_cursor !== null);
  return found;
}
