import { expect, test } from "vitest";
import { exportOf, wantedOf } from "./auditFilter";

const of = (search: string) => wantedOf(new URLSearchParams(search), ["key.make"]);

test("the address asks, from the first day on to the end of the last", () => {
  expect(of("action=key.make&actor=p1&object=t%201&from=2026-11-27&to=2026-11-28")).toEqual({
    action: "key.make",
    actor: "p1",
    object: "t 1",
    since: new Date(2026, 10, 27).toISOString(),
    until: new Date(2026, 10, 29).toISOString(),
  });
});

test("what can't be asked for is left out", () => {
  expect(of("action=key.steal&from=yesterday&to=&actor=")).toEqual({});
});

test("a file holds what is shown", () => {
  expect(exportOf(of("object=t%261"), "csv")).toBe("/api/admin/audit/export?format=csv&object=t%261");
});
