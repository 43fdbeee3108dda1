import { expect, test } from "vitest";
import { found, named } from "./find";

const all = named({ labels: ["hot dog", "cat", "Dog", "dogfish"], label_names: { cat: "Dogcat" } });

test.each([
  ["", ["hot dog", "cat", "Dog", "dogfish"]],
  ["dog", ["cat", "Dog", "dogfish", "hot dog"]],
  [" FISH ", ["dogfish"]],
  ["cow", []],
])("%j finds by the shown name, what begins with it first", (text, labels) => {
  expect(found(all, text).map(({ label }) => label)).toEqual(labels);
});
