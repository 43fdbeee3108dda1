import { expect, it } from "vitest";
import { stagesOf } from "./stages";

it("stages are read with their times, and what has none is left out", () => {
  expect(stagesOf('decode;dur=3.1, queue;desc="waited";dur=0.4, cache, model;dur=x')).toEqual([
    { name: "decode", ms: 3.1 },
    { name: "queue", ms: 0.4 },
  ]);
  expect(stagesOf(null)).toEqual([]);
});
