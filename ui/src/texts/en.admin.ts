/** Texts of the pages for administrators. */
import { en } from "./en";

const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

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
  letter: { died: "Died", queue: "Queue", type: "Event", subject: "Subject", reason: "Reason" },
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
