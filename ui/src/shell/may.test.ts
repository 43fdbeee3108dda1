import { expect, test } from "vitest";
import type { Me, Role } from "../api/fields";
import { may } from "./may";

const as = (...roles: Role[]) => ({ user: { id: "ann", name: "Ann", roles } }) as unknown as Me;

test("operators label and see no votes of others", () => {
  expect(may(as("operator"), "label")).toBe(true);
  expect(may(as("operator"), "see-votes")).toBe(false);
  expect(may(as("operator"), "administer")).toBe(false);
});

test("a caller without roles may do nothing", () => {
  expect(may(as(), "label")).toBe(false);
});
