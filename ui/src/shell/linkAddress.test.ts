import { expect, test } from "vitest";
import { linkTo, tokenIn } from "./linkAddress";

test("a link's token is behind the #, or in the path of an older link", () => {
  const { pathname, hash } = new URL(linkTo("a1~b-_2"), "https://host");
  expect(pathname).toBe("/link");
  expect(tokenIn({ pathname, hash })).toBe("a1~b-_2");
  expect(tokenIn({ pathname: "/link/a1~b2", hash: "" })).toBe("a1~b2");
  expect(tokenIn({ pathname: "/link/old~one", hash: "#new~one" })).toBe("new~one");
});

test("a token is read however a mail program wrote it, and nothing is a token that leads nowhere", () => {
  expect(tokenIn({ pathname: "/link", hash: "#a1%7Eb2" })).toBe("a1~b2");
  expect(tokenIn({ pathname: "/link", hash: "#%" })).toBe("%");
  expect(tokenIn({ pathname: "/link", hash: "" })).toBe("");
});
