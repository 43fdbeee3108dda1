/** What was asked for while the code that wants to know it was still loading. Each answer is taken once. */
import { callerHeaders, callerOf } from "./caller";
import { send } from "./send";

/** An answer that is older is not taken: things may have changed since. */
const FRESH_MS = 30_000;

interface Asked {
  at: number;
  answer: Promise<Response>;
}

const asked = new Map<string, Asked>();

/** Asks as a user; `about` tells questions to the same address apart. */
export function ask(user: string, path: string, about = "", init: RequestInit = {}): Promise<Response> {
  const headers = { ...callerHeaders(user), ...init.headers };
  const answer = send(path, { ...init, headers });
  answer.catch(() => undefined); // whoever takes the answer hears of it
  asked.set(keyOf(user, path, about), { at: performance.now(), answer });
  return answer;
}

/** As `fetch`, but takes the answer to the same question where it was asked for already. */
export function askedOrFetch(about = ""): (request: Request) => Promise<Response> {
  return (request) => {
    const key = keyOf(callerOf(request), new URL(request.url).pathname, about);
    const known = asked.get(key);
    asked.delete(key);
    return known && performance.now() - known.at < FRESH_MS ? known.answer : send(request);
  };
}

function keyOf(user: string, path: string, about: string): string {
  return JSON.stringify([user, path, about]);
}
