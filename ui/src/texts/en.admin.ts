/** Texts of the pages for administrators. */
import { en } from "./en";

const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** A moment of the last day, of epoch seconds. */
export const clock = (seconds: number | undefined) => (seconds === undefined ? "" : time.format(1000 * seconds));

export const admin = {
  title: "Admin",
  services: "Services",
  queues: "Queues",
  dead: "Dead letters",
  milliseconds: (ms: number) => `${decimal.format(ms)} ms`,
  seconds: (seconds: number) => `${decimal.format(seconds)} s`,
  replica: {
    name: "Replica",
    services: "Services",
    version: "Version",
    seen: "Last seen",
    requests: "Requests/min",
    errors: "Errors/min",
    p95: "95 % within",
    busy: "Busy",
    silent: "silent",
  },
  queue: { name: "Queue", messages: "Waiting", age: "Oldest", rate: "Handled/min" },
  noQueues: "No queue can be seen from here.",
  letter: { died: "Died", queue: "Queue", subject: "Subject", reason: "Reason" },
  noLetters: "No letter is dead. Every event has been handled.",
  acts: "Actions",
  payload: "Payload",
  discard: "Discard",
  discardTitle: "Discard this letter?",
  discardDetail: "The event is removed and never handled. What it would have changed stays as it is.",
  replay: "Replay",
  replayAll: (count: number) => `Replay all ${en.number(count)}`,
  replayDetail: "The events are put into their queues again and handled as if they were new.",
  replayed: (count: number) => `${en.counted(count, "letter", "letters")} replayed.`,
  summary: {
    requests: (count: number) => `${en.number(count)} requests/min`,
    outbox: (count: number) => `${en.counted(count, "event", "events")} in the outbox`,
    lag: (seconds: number) => `the oldest for ${decimal.format(seconds)} s`,
  },
};

export const plots = {
  title: "Over time",
  span: "How far back",
  spans: { hour: "1 hour", day: "24 hours" },
  votes: "Votes per minute",
  taken: "votes",
  requests: "Request times",
  p95: "95 % within",
  p50: "half within",
  queues: "Age of the queues",
  oldest: "oldest event",
  unknown: "unknown",
  none: "Nothing is known yet. The first minute is shown soon after it has ended.",
  since: (when: string, replica: string) => `Known since ${when}, when ${replica} began to keep it.`,
  summary: (what: string, now: string, at: string, most: string, when: string) =>
    `${what}: ${now} at ${at}; at most ${most}, at ${when}.`,
  summaryNone: (what: string) => `${what}: unknown.`,
  asTable: (minutes: number) => (minutes < 60 ? `As a table, by ${minutes} minutes` : "As a table, by hour"),
  row: {
    from: "From",
    votes: "Votes",
    p95: "95 % within, at most",
    p50: "Half within, at most",
    oldest: "Oldest event, at most",
  },
};
