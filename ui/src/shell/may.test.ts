import { expect, test } from "vitest";
import type { Me, Role } from "../api/fields";
import { may } from "./may";

const as = (...roles: Role[]) =>
  ({ user: { id: "ann", name: "Ann", roles }, auth: "on", team: "first" }) as unknown as Me;

test("operators label and see no votes of others", () => {
  expect(may(as("operator"), "label")).toBe(true);
  expect(may(as("operator"), "see-votes")).toBe(false);
  expect(may(as("operator"), "administer")).toBe(false);
});

test("a caller without roles may do nothing", () => {
  expect(may(as(), "label")).toBe(false);
});

test("admins see tasks and no votes, and manage people where there are accounts", () => {
  const admin = as("admin");
  expect([may(admin, "see-tasks"), may(admin, "see-votes"), may(admin, "make-tasks")]).toEqual([true, false, false]);
  expect(may(admin, "manage-people")).toBe(true);
  expect(may({ ...admin, auth: "off" }, "manage-people")).toBe(false);
  expect(may({ ...admin, auth: "off" }, "operate")).toBe(true);
});

test("another team's admin does not run the platform", () => {
  const admin = { ...as("admin"), team: "second" };
  expect([may(admin, "administer"), may(admin, "operate")]).toEqual([true, false]);
});
