/** How many votes a person cast today: as the platform said, and in this browser since. */
import { kept } from "../shell/store";

interface Tally {
  day: string;
  user: string;
  count: number;
}

const isTally = (value: unknown): value is Tally => typeof value === "object" && value !== null && "count" in value;

const tally = kept("quorate.today", (stored) => (isTally(stored) ? stored : { day: "", user: "", count: 0 }));

export function votesToday(user: string): number {
  const { day, user: whose, count } = tally.get();
  return day === today() && whose === user ? count : 0;
}

export function countToday(user: string, votes: number): void {
  tally.set({ day: today(), user, count: Math.max(votesToday(user) + votes, 0) });
}

/** Takes in how many the platform has counted. */
export function learnToday(user: string, votes: number): void {
  tally.set({ day: today(), user, count: votes });
}

/** When this day began where the person is. */
export function dayBegan(): Date {
  return new Date(new Date().setHours(0, 0, 0, 0));
}

function today(): string {
  return new Date().toDateString();
}
