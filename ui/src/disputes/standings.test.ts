import { expect, it } from "vitest";
import { type Dispute, disputedAt, standings } from "./standings";

const vote = (voter: string, label: string | null, at = "2026-11-01T10:00:00Z") => ({
  voter,
  label,
  at,
  mode: "single",
  took_ms: null,
});
const LABELS = ["cat", "dog", "bird"];

function dispute(votes: Dispute["votes"]): Dispute {
  return { labels: LABELS, votes, result: null } as unknown as Dispute;
}

it("the most named label comes first, and equals in the label set's order", () => {
  const shown = standings(dispute([vote("a", "dog"), vote("b", "bird"), vote("c", "bird"), vote("d", "cat")]));
  expect(shown.people.map(({ label }) => label)).toEqual(["bird", "cat", "dog"]);
});

it("a detector and those who were unsure stand apart", () => {
  const shown = standings(dispute([vote("detector:yolo@1", "cat"), vote("a", null), vote("b", "cat")]));
  expect(shown.people).toEqual([{ label: "cat", votes: [vote("b", "cat")] }]);
  expect(shown.unsure.map(({ voter }) => voter)).toEqual(["a"]);
  expect(shown.models.map(({ voter }) => voter)).toEqual(["detector:yolo@1"]);
});

it("an image is disputed since its last vote", () => {
  expect(disputedAt(dispute([vote("a", "cat", "2026-11-02"), vote("b", "dog", "2026-11-01")]))).toBe("2026-11-02");
  expect(disputedAt(dispute([]))).toBeNull();
});
