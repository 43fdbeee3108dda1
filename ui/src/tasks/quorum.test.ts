import { describe, expect, it } from "vitest";
import { expectedCost, isDisputed, type Policy, type Standing, settles } from "./quorum";
import cases from "./quorum.cases.json";

const POLICY: Policy = { votes_required: 3, stop: "settled", lead: 3, min_agreement: 0, max_votes: 5 };
const TWO = { labels: 2, alike: 0.9, allowUnsure: false };

describe("the rule is that of quorum.py", () => {
  it.each(cases)("under $policy", ({ policy, standings }) => {
    for (const [top, second, collected, is_contested, can_dissent, by, disputed] of standings) {
      const now = { top, second, collected, is_contested, can_dissent } as Standing;
      expect(settles(policy as Policy, now), JSON.stringify(now)).toBe(by);
      if (by === null) expect(isDisputed(policy as Policy, now), JSON.stringify(now)).toBe(disputed);
    }
  });
});

describe("what a policy will cost", () => {
  it("is two votes for those who are alike, and a third for the rest", () => {
    // Two of two: 0.81 + 0.01. Else a third settles it.
    expect(expectedCost(POLICY, TWO).votes).toBeCloseTo(2 * 0.82 + 3 * 0.18);
    expect(expectedCost(POLICY, TWO).disputed).toBeCloseTo(0);
  });

  it("is what is asked for where all are to be collected", () => {
    expect(expectedCost({ ...POLICY, stop: "exact", max_votes: 3 }, TWO).votes).toBeCloseTo(3);
  });

  it("counts the images that end in a tie", () => {
    const evenly: Policy = { ...POLICY, votes_required: 4, max_votes: 4 };
    expect(expectedCost(evenly, { ...TWO, alike: 0.5 }).disputed).toBeCloseTo(6 / 16);
  });

  it("is one vote where there is one label", () => {
    expect(expectedCost(POLICY, { labels: 1, alike: 0.2, allowUnsure: false }).votes).toBeCloseTo(1);
  });

  it.each([1, 2, 7, 1000])("keeps the probabilities of %d labels together", (labels) => {
    for (const votes_required of [1, 4, 9, 40]) {
      const policy: Policy = { ...POLICY, stop: "lead", votes_required, max_votes: votes_required };
      const cost = expectedCost(policy, { labels, alike: 0.6, allowUnsure: true });
      expect(cost.votes).toBeGreaterThanOrEqual(1);
      expect(cost.votes).toBeLessThanOrEqual(votes_required + 1e-9);
      expect(cost.disputed).toBeLessThanOrEqual(1);
    }
  });
});
