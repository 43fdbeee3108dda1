/** The platform minute by minute, as its plots and their table show it. */
import type { Schemas } from "../api/client";

export type Told = Schemas["SeriesShown"];
/** By minute; null where nobody could tell. */
export type Values = (number | null)[];

/** How far back plots show, how many minutes are one row of their table, and how often the platform is asked. */
export const SPANS = {
  hour: { minutes: 60, row: 5, everyMs: 20_000 },
  day: { minutes: 1440, row: 60, everyMs: 60_000 },
} as const;
export type Span = keyof typeof SPANS;

export interface Plotted {
  /** When each minute began, in epoch seconds. */
  times: number[];
  votes: Values;
  p50: Values;
  p95: Values;
  /** The age of the oldest event in any queue, and which queue that is. */
  oldest: Values;
  queues: (string | null)[];
}

const QUEUE = "queue.";

export function plotted(told: Told, minutes: number): Plotted {
  const first = Date.parse(told.from) / 1000;
  const places = Array.from({ length: minutes }, (_, place) => place);
  const named = (name: string): Values => told.series[name] ?? places.map(() => null);
  const queues = Object.entries(told.series).filter(([name]) => name.startsWith(QUEUE));
  const worst = places.map((place) => worstOf(queues.map(([name, ages]) => [name, ages[place] ?? null] as const)));
  return {
    times: places.map((place) => first + place * told.step_s),
    votes: named("votes"),
    p50: named("requests_p50_ms"),
    p95: named("requests_p95_ms"),
    oldest: worst.map(([, age]) => age),
    queues: worst.map(([queue]) => queue),
  };
}

/** The queue whose event is the oldest; none where nothing waits. */
function worstOf(ages: readonly (readonly [string, number | null])[]): [string | null, number | null] {
  let [queue, most]: [string | null, number | null] = [null, null];
  for (const [name, age] of ages) {
    if (age === null || (most !== null && age <= most)) continue;
    [queue, most] = [age > 0 ? name.slice(QUEUE.length) : null, age];
  }
  return [queue, most];
}

/** The place of the first minute of which anything is known; -1 where nothing is. */
export function firstKnown({ times, votes, p95, oldest }: Plotted): number {
  return times.findIndex((_, place) => [votes, p95, oldest].some((values) => values[place] != null));
}

/** The place of the largest value, the earliest of several; -1 where there is none. */
export function mostAt(values: Values): number {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? values.indexOf(known.reduce((one, other) => Math.max(one, other))) : -1;
}

/** The places of values that have no neighbour, between which and others no line can be drawn. */
export function alone(values: Values): number[] {
  return values.flatMap((value, place) =>
    value !== null && values[place - 1] == null && values[place + 1] == null ? [place] : [],
  );
}

export interface Row {
  /** Epoch seconds. */
  from: number;
  votes: number | null;
  /** The largest of the row's minutes. */
  p50: number | null;
  p95: number | null;
  oldest: number | null;
}

/** The same in few rows of so many minutes of the clock, the newest first; those of which nothing is known are left out. */
export function rowsOf({ times, votes, p50, p95, oldest }: Plotted, minutes: number): Row[] {
  const length = 60 * minutes;
  const rows: Row[] = [];
  for (let first = 0, end = 0; first < times.length; first = end) {
    const from = Math.floor((times[first] ?? 0) / length) * length;
    const next = times.findIndex((time) => time >= from + length);
    end = next < 0 ? times.length : next;
    const known = (values: Values) => values.slice(first, end).filter((value) => value !== null);
    const most = (values: Values) =>
      known(values).reduce<number | null>((one, other) => Math.max(one ?? 0, other), null);
    const cast = known(votes);
    rows.push({
      from,
      votes: cast.length > 0 ? cast.reduce((one, other) => one + other) : null,
      p50: most(p50),
      p95: most(p95),
      oldest: most(oldest),
    });
  }
  return rows.filter(({ votes, p95, oldest }) => [votes, p95, oldest].some((value) => value !== null)).reverse();
}
