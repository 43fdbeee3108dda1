import { expect, test } from "vitest";
import { arcs } from "./arcs";

test("a ring has one arc for each vote that the policy asks for", () => {
  for (const count of [1, 2, 3, 5, 24]) expect(new Set(arcs(count, 18, 2.5)).size).toBe(count);
});

test("arcs stay inside their box, stroke and all", () => {
  for (const count of [1, 2, 3, 7]) {
    const numbers = arcs(count, 18, 2.5).flatMap(
      (path) => path.replace(/A[\d.]+ [\d.]+ 0 [01] 1/g, " ").match(/-?[\d.]+/g) ?? [],
    );
    for (const number of numbers.map(Number)) {
      expect(number).toBeGreaterThanOrEqual(1.25);
      expect(number).toBeLessThanOrEqual(16.75);
    }
  }
});
