import { expect, it } from "vitest";
import { exportsOf } from "./exports";

const FORMS = ["jsonl", "imagefolder", "parquet", "coco", "yolo"];

it("forms to train from come with their pictures", () => {
  expect(
    exportsOf({ id: "a/b", detector: { mode: "suggest" }, pipeline: null }, FORMS).map(({ href }) => href),
  ).toEqual([
    "/api/tasks/a%2Fb/export?format=jsonl",
    "/api/tasks/a%2Fb/export?format=imagefolder",
    "/api/tasks/a%2Fb/export?format=parquet&images=true",
    "/api/tasks/a%2Fb/export?format=coco&images=true",
    "/api/tasks/a%2Fb/export?format=yolo&images=true",
  ]);
});

it("without a detector there are no objects to export", () => {
  expect(exportsOf({ id: "a", detector: { mode: "off" }, pipeline: null }, FORMS).map(({ form }) => form)).toEqual([
    "jsonl",
    "imagefolder",
    "parquet",
  ]);
});

it("the pictures that a pipeline made can be had as files", () => {
  expect(exportsOf({ id: "a/b", detector: { mode: "off" }, pipeline: {} }, ["jsonl"])).toEqual([
    { form: "files", href: "/api/tasks/a%2Fb/files" },
    { form: "jsonl", href: "/api/tasks/a%2Fb/export?format=jsonl" },
  ]);
});
