import { expect, test } from "vitest";
import { answerIn, keepWanted, takeWanted } from "./providerAnswer";

test("an answer has a code and a state, or an error", () => {
  expect(answerIn("?code=c&state=s")).toEqual({ code: "c", state: "s" });
  expect(answerIn("?code=c&state=s&iss=https%3A%2F%2Fid.example")).toEqual({
    code: "c",
    state: "s",
    iss: "https://id.example",
  });
  expect(answerIn("?error=access_denied&state=s&code=c")).toEqual({ error: "access_denied" });
  for (const none of ["", "?code=c", "?state=s", "?code=&state=s"]) expect(answerIn(none)).toBeUndefined();
});

test("nothing that somebody wrote into an address is shown", () => {
  const written = new URLSearchParams({ error: "Call 555 1234 now", error_description: "pay" });
  expect(answerIn(`?${written}`)).toEqual({ error: "no reason given" });
});

test("where somebody wanted to go is kept once", () => {
  keepWanted("/tasks/one?state=open");
  expect(takeWanted()).toBe("/tasks/one?state=open");
  expect(takeWanted()).toBe("/");
});
