import { afterAll, beforeEach, expect, test, vi } from "vitest";
import type { SessionShown } from "./session";

const FIRST = { id: "first", name: "First team" };
const MINUTE_MS = 60_000;

function shown(user: string | null): SessionShown {
  return {
    auth: "on",
    needs_first_admin: false,
    provider: null,
    has_password: user !== null,
    signed_in: user !== null,
    user: user === null ? null : { id: user, name: user, roles: ["operator"] },
    team: user === null ? null : FIRST,
    teams: [FIRST],
  };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

/** A page of one tab, freshly loaded, before a platform that knows one cookie. */
async function page() {
  vi.resetModules();
  const session = await import("./session");
  const { send } = await import("../api/send");
  const { auth, who, givenName } = await import("./who");
  return { ...session, send, auth, who, givenName };
}

interface Sent {
  path: string;
  method: string;
  headers: Headers;
}

let sent: Sent[] = [];
/** Whether the access cookie opens. */
let isOpen = true;
/** What a refresh answers; it opens again where that is a person. */
let onRefresh: () => Response = () => json(shown("ann"));
let onSession: () => Response = () => json(shown("ann"));

const asked = (path: string) => sent.filter((one) => one.path === path).length;

beforeEach(() => {
  localStorage.clear();
  sent = [];
  isOpen = true;
  onRefresh = () => json(shown("ann"));
  onSession = () => json(shown("ann"));
  vi.useRealTimers();
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = new Request(new URL(typeof input === "string" ? input : input.url, "http://platform"), {
      method: typeof input === "string" ? (init?.method ?? "GET") : input.method,
      headers: (typeof input === "string" ? init?.headers : input.headers) ?? {},
    });
    const { pathname: path } = new URL(request.url);
    sent.push({ path, method: request.method, headers: request.headers });
    await Promise.resolve();
    if (path === "/api/session") return onSession();
    if (path !== "/api/sessions/refresh") return json({}, isOpen ? 200 : 401);
    const answer = onRefresh();
    isOpen = answer.ok;
    return answer;
  });
});

afterAll(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.resetModules(); // other tests begin with nobody signed in
});

test("with authentication off a name goes with requests, and nothing is done about sessions", async () => {
  localStorage.setItem("quorate.who", '"bob"');
  onSession = () => json({ ...shown("local"), auth: "off" });
  const { askSession, send, who, auth } = await page();
  expect(who.get()).toBe("bob");
  await askSession();
  expect([auth.get(), who.get()]).toEqual(["off", "bob"]);
  isOpen = false;
  const { callerHeaders } = await import("../api/caller");
  expect(callerHeaders()).toEqual({ "X-Quorate-User": "bob" });
  expect((await send("http://platform/api/me")).status).toBe(401);
  expect(asked("/api/sessions/refresh")).toBe(0);
});

test("with authentication on no name is sent, whatever was stored", async () => {
  localStorage.setItem("quorate.who", '"bob"');
  const { askSession, who } = await page();
  await askSession();
  const { callerHeaders } = await import("../api/caller");
  expect(who.get()).toBe("ann");
  expect(callerHeaders()).toEqual({ "X-Quorate-Request": "1" });
  expect(callerHeaders("bob")).toEqual({ "X-Quorate-Request": "1" });
});

test("the next page knows how people are known before it has asked", async () => {
  const { begin } = await page();
  begin(shown("ann"));
  const { who, auth } = await page();
  expect([auth.get(), who.get()]).toEqual(["on", "ann"]);
  expect(sent).toEqual([]);
});

test("several refused calls make one refresh, and are each asked again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { begin, send } = await page();
  begin(shown("ann"));
  vi.advanceTimersByTime(MINUTE_MS);
  isOpen = false;
  const answers = await Promise.all(["a", "b", "c"].map((one) => send(`http://platform/api/${one}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(asked("/api/sessions/refresh")).toBe(1);
  expect(sent.find(({ path }) => path.endsWith("refresh"))?.headers.get("X-Quorate-Request")).toBe("1");
  expect(["/api/a", "/api/b", "/api/c"].map(asked)).toEqual([2, 2, 2]);
});

test("a session that is old is renewed before anything is asked", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { begin, send } = await page();
  begin(shown("ann"));
  vi.advanceTimersByTime(10 * MINUTE_MS);
  isOpen = false;
  expect((await send("http://platform/api/a")).status).toBe(200);
  expect(sent.map(({ path }) => path)).toEqual(["/api/sessions/refresh", "/api/a"]);
});

test("what another tab has renewed is not renewed again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const one = await page();
  one.begin(shown("ann"));
  const other = await page();
  vi.advanceTimersByTime(10 * MINUTE_MS);
  one.begin(shown("ann"));
  const newValue = localStorage.getItem("quorate.refreshed");
  dispatchEvent(new StorageEvent("storage", { key: "quorate.refreshed", newValue }));
  await other.send("http://platform/api/a");
  expect(asked("/api/sessions/refresh")).toBe(0);
});

test("a session that has ended signs out, and the refusal is told", async () => {
  const { begin, send, who } = await page();
  begin(shown("ann"));
  isOpen = false;
  onRefresh = () => json({}, 401);
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect((await send("http://platform/api/a")).status).toBe(401);
  expect(who.get()).toBe("");
  expect((await send("http://platform/api/a")).status).toBe(401);
  expect(asked("/api/sessions/refresh")).toBe(1);
});

test("a platform that cannot be reached signs nobody out", async () => {
  const { begin, send, who } = await page();
  begin(shown("ann"));
  isOpen = false;
  onRefresh = () => {
    throw new TypeError("cut");
  };
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect((await send("http://platform/api/a")).status).toBe(401);
  expect(who.get()).toBe("ann");
});

test("nothing is sent again as somebody else", async () => {
  const { begin, send, who } = await page();
  begin(shown("ann"));
  isOpen = false;
  onRefresh = () => json(shown("ben"));
  await new Promise((resolve) => setTimeout(resolve, 2));
  await expect(send("http://platform/api/votes", { method: "POST", body: "{}" })).rejects.toThrow(TypeError);
  expect(who.get()).toBe("ben");
  expect(asked("/api/votes")).toBe(1);
});
