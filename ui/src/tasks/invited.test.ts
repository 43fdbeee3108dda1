import { expect, test } from "vitest";
import { changeOf, parseNames } from "./invited";

test("what is asked for is the difference", () => {
  expect(changeOf(["a", "b"], ["b", "c"])).toEqual({ only_invited: true, invite: ["c"], uninvite: ["a"] });
  expect(changeOf(null, [])).toEqual({ only_invited: true, invite: [], uninvite: [] });
  expect(changeOf(["a"], null)).toEqual({ only_invited: false, invite: [], uninvite: [] });
});

test("typed names are told apart by lines, and each counts once", () => {
  expect(parseNames(" ann, the first \n\nbob\nbob\n")).toEqual(["ann, the first", "bob"]);
});
