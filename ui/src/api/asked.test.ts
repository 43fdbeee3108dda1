import { afterEach, expect, test, vi } from "vitest";
import { ask, askedOrFetch } from "./asked";

const asAnn = (path: string) => new Request(`http://platform${path}`, { headers: { "X-Quorate-User": "ann" } });

function answering(): ReturnType<typeof vi.fn> {
  let answers = 0;
  const fetched = vi.fn(async () => new Response(String(++answers)));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

const read = async (answer: Promise<Response>) => (await answer).text();

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("what was asked for early is answered once without a second request", async () => {
  const fetched = answering();
  void ask("ann", "/api/me");
  expect(fetched).toHaveBeenCalledWith("/api/me", { headers: { "X-Quorate-User": "ann" } });
  expect(await read(askedOrFetch()(asAnn("/api/me")))).toBe("1");
  expect(await read(askedOrFetch()(asAnn("/api/me")))).toBe("2");
  expect(fetched).toHaveBeenCalledTimes(2);
});

test.each([
  ["ben", "/api/leases", "one"],
  ["ann", "/api/me", "one"],
  ["ann", "/api/leases", "other"],
])("%s's question to %s about %s is another", async (user, path, about) => {
  answering();
  void ask(user, path, about);
  expect(await read(askedOrFetch("one")(asAnn("/api/leases")))).toBe("2");
});

test("an old answer is not taken", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  answering();
  void ask("ann", "/api/old");
  vi.advanceTimersByTime(60_000);
  expect(await read(askedOrFetch()(asAnn("/api/old")))).toBe("2");
});

test("a connection that was cut is told to whoever takes the answer, and to nobody else", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("cut")));
  void ask("ann", "/api/cut");
  await expect(askedOrFetch()(asAnn("/api/cut"))).rejects.toThrow("cut");
});
