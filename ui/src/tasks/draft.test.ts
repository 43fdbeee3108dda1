import { expect, it } from "vitest";
import { fieldOf, newDraft, ordersOf, requestOf, withQuorum, withVotes } from "./draft";

it("another number of votes keeps how far a tie extends", () => {
  expect(withVotes(newDraft(true), 5).quorum).toMatchObject({ votes_required: 5, max_votes: 7 });
  expect(withVotes(newDraft(true), 0).quorum.votes_required).toBe(1);
  expect(withVotes(newDraft(true), 1000).quorum).toMatchObject({ votes_required: 100, max_votes: 102 });
});

it("a policy stays one that the platform takes", () => {
  expect(withQuorum(newDraft(true), { max_votes: 2 }).quorum.max_votes).toBe(3);
  expect(withQuorum(withVotes(newDraft(true), 1), { lead: 9 }).quorum.lead).toBe(3);
});

it("a task is asked for with a trimmed name and without empty instructions", () => {
  const request = requestOf({ ...newDraft(true), name: " Shelves ", labels: ["a"], instructions: " \n" });
  expect(request).toMatchObject({ name: "Shelves", labels: ["a"], instructions: null });
});

it.each([
  ["/quorum/max_votes", "max_votes"],
  ["/labels/3", "labels"],
  ["/name", "name"],
  ["/pipeline/operations/2/1", "step-2"],
  ["/pipeline/operations", "add-step"],
  ["/pipeline/quality", "quality"],
  ["", "name"],
])("the pointer %s means the field %s", (pointer, field) => expect(fieldOf(pointer)).toBe(field));

it("a new task asks the detector to suggest only where one is running", () => {
  expect(newDraft(true).detector.mode).toBe("suggest");
  expect(newDraft(false).detector.mode).toBe("off");
});

it("an order by the detector is only there where it says something", () => {
  const draft = { ...newDraft(true), order: "uncertain" as const };
  expect(requestOf(draft).order).toBe("uncertain");
  const silent = { ...draft, detector: { ...draft.detector, mode: "off" as const } };
  expect(ordersOf(silent)).toEqual(["random", "upload", "name"]);
  expect(requestOf(silent).order).toBe("random");
});
