import { expect, it } from "vitest";
import { exportsOf } from "./exports";

const FORMS = ["jsonl", "imagefolder", "parquet", "coco", "yolo"];

it("forms to train from come with their pictures", () => {
  expect(exportsOf({ id: "a/b", detector: { mode: "suggest" } }, FORMS).map(({ href }) => href)).toEqual([
    "/api/tasks/a%2Fb/export?format=jsonl",
    "/api/tasks/a%2Fb/export?format=imagefolder",
    "/api/tasks/a%2Fb/export?format=parquet&images=true",
    "/api/tasks/a%2Fb/export?format=coco&images=true",
    "/api/tasks/a%2Fb/export?format=yolo&images=true",
  ]);
});

it("without a detector there are no objects to export", () => {
  expect(exportsOf({ id: "a", detector: { mode: "off" } }, FORMS).map(({ form }) => form)).toEqual([
    "jsonl",
    "imagefolder",
    "parquet",
  ]);
});
