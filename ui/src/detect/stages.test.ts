import { expect, it } from "vitest";
import { stagesOf } from "./stages";

it("stages are read with their times, and what has none is left out", () => {
  expect(stagesOf('decode;dur=3.5, queue;desc="waited";dur=0.5, cache, model;dur=x', 10)).toEqual([
    { name: "upload", ms: 6 },
    { name: "decode", ms: 3.5 },
    { name: "queue", ms: 0.5 },
  ]);
  expect(stagesOf(null, 10)).toEqual([]);
});
