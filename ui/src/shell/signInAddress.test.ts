import { expect, test } from "vitest";
import { backTo, signInFrom } from "./signInAddress";

test("after signing in people are where they wanted to be", () => {
  const address = signInFrom({ pathname: "/tasks/one", search: "?state=open&label=a b" });
  expect(backTo({ search: address.slice(address.indexOf("?")) })).toBe("/tasks/one?state=open&label=a b");
  expect(signInFrom({ pathname: "/", search: "" })).toBe("/sign-in");
  expect(backTo({ search: "" })).toBe("/");
});

test.each([
  "https://elsewhere.example",
  "//elsewhere.example",
  "/\\elsewhere.example",
  "/\t/elsewhere.example",
  "javascript:alert(1)",
  "tasks",
])("%s leads to the first page", (to) => expect(backTo({ search: `?${new URLSearchParams({ to })}` })).toBe("/"));
