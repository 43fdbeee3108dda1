import { expect, test } from "vitest";
import { taskIn } from "./address";

test.each([
  ["/label/1f", "1f"],
  ["/label/a%20b", "a b"],
  ["/label/any", null],
  ["/label", undefined],
  ["/label/", undefined],
  ["/tasks/1f", undefined],
])("at %s people work at %j", (path, task) => {
  expect(taskIn(path)).toBe(task);
});
