import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepPrefs } from "./keepPrefs";
import { prefs, setPrefs } from "./prefs";

/** The platform's preferences by user, as other browsers see them. */
let there: Map<string, { version: number; body: Record<string, unknown> }>;
let isCut = false;
let puts = 0;
let end = () => {};

function found(user: string) {
  return there.get(user) ?? { version: 0, body: {} };
}

beforeEach(() => {
  there = new Map();
  isCut = false;
  puts = 0;
  vi.stubGlobal("fetch", async (request: Request) => {
    if (isCut) throw new TypeError("Failed to fetch");
    const user = request.headers.get("X-Quorate-User") ?? "";
    const { version, body } = found(user);
    if (request.method === "GET")
      return new Response(JSON.stringify(body), {
        headers: { ETag: `"${version}"`, "Content-Type": "application/json" },
      });
    puts += 1;
    if (request.headers.get("If-Match") !== `"${version}"`)
      return new Response(JSON.stringify({ code: "outdated" }), { status: 412 });
    there.set(user, { version: version + 1, body: await request.json() });
    return new Response(null, { status: 204, headers: { ETag: `"${version + 1}"` } });
  });
});

afterEach(() => {
  end();
  localStorage.clear();
  setPrefs({ theme: "system", boxes: true });
  vi.unstubAllGlobals();
});

const isThere = (user: string, body: object) =>
  vi.waitFor(() => expect(there.get(user)?.body).toMatchObject({ strip: true, ...body }));

test("a browser's settings are the first that the platform keeps, and every change follows", async () => {
  setPrefs({ theme: "dark" });
  end = keepPrefs("ann");
  await isThere("ann", { theme: "dark" });
  setPrefs({ theme: "light" });
  await isThere("ann", { theme: "light" });
  expect(found("bob").version).toBe(0);
});

test("what was set in another browser is taken over, and what is not known here stays", async () => {
  there.set("ann", { version: 7, body: { theme: "dark", later: [1] } });
  end = keepPrefs("ann");
  await vi.waitFor(() => expect(prefs.get().theme).toBe("dark"));
  expect(puts).toBe(0);
  setPrefs({ theme: "light" });
  await isThere("ann", { theme: "light", later: [1] });
});

test("a change on top of one from another browser keeps both", async () => {
  end = keepPrefs("ann");
  await isThere("ann", {});
  there.set("ann", { version: 9, body: { ...found("ann").body, boxes: false, later: true } });
  setPrefs({ theme: "dark" });
  await isThere("ann", { theme: "dark", boxes: false, later: true });
  expect(prefs.get().boxes).toBe(false);
  expect(found("ann").version).toBe(10);
});

test("a change without a connection counts here, and is sent by the next page", async () => {
  there.set("ann", { version: 3, body: { ...prefs.get(), theme: "light" } });
  end = keepPrefs("ann");
  await vi.waitFor(() => expect(prefs.get().theme).toBe("light"));
  isCut = true;
  setPrefs({ theme: "dark" });
  await new Promise((resolve) => setTimeout(resolve));
  end();
  isCut = false;
  end = keepPrefs("ann");
  await isThere("ann", { theme: "dark" });
  expect(prefs.get().theme).toBe("dark");
});

test("a change of one person is not taken for one of the next", async () => {
  there.set("bob", { version: 3, body: { ...prefs.get(), theme: "light" } });
  isCut = true;
  end = keepPrefs("ann");
  setPrefs({ theme: "dark" });
  end();
  isCut = false;
  end = keepPrefs("bob");
  await vi.waitFor(() => expect(prefs.get().theme).toBe("light"));
  expect(puts).toBe(0);
});

test("settings that this version cannot read leave the browser's as they are", async () => {
  there.set("ann", { version: 1, body: { theme: "plaid" } });
  end = keepPrefs("ann");
  await isThere("ann", { theme: "system" });
  expect(prefs.get().theme).toBe("system");
});
