import { afterEach, expect, test, vi } from "vitest";
import type { Lease } from "../api/fields";
import { auth, person } from "../shell/who";
import { openOutbox } from "./outbox";
import { claim, type VoteRecord } from "./queue";
import { deliver, maySend } from "./sender";

function record(id: string, user = "ann"): VoteRecord {
  const lease = { subtask_id: id, token: "t", labels: ["cat"] } as unknown as Lease;
  return { user, lease, label: "cat", castAt: Date.now(), sendAfter: 0, phase: "waiting", refusal: null };
}

const sending = (id: string): VoteRecord => ({ ...record(id), phase: "sending" });

/** Answers each request as `answer` says; returns the requests. */
function answering(answer: (votes: { subtask_id: string }[], request: Request) => Response): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    requests.push(request.clone() as Request);
    return answer((await request.json()).votes, request);
  });
  return requests;
}

const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status });
const outcomes = (of: { subtask_id: string }[], status: number) =>
  json({ outcomes: of.map(({ subtask_id }) => ({ subtask_id, status, detail: "so it is", subtask_state: "open" })) });

let databases = 0;
const fresh = () => openOutbox(`test ${databases++}`);

afterEach(() => {
  vi.unstubAllGlobals();
  auth.set("off");
  person.set("");
});

test("votes outlive the page that cast them", async () => {
  const name = `test ${databases++}`;
  await openOutbox(name).add([record("one")]);
  const opened = openOutbox(name);
  expect((await opened.left).map(({ lease }) => lease.subtask_id)).toEqual(["one"]);
  await opened.refresh();
  expect(opened.records.get().map(({ lease }) => lease.subtask_id)).toEqual(["one"]);
  expect(opened.isStored.get()).toBe(true);
});

test("where the browser stores nothing, votes are kept in memory and it says so", async () => {
  vi.stubGlobal("indexedDB", {
    open() {
      throw new DOMException("private mode", "InvalidStateError");
    },
  });
  const outbox = fresh();
  expect(await outbox.add([record("one")])).toEqual([]);
  expect(outbox.records.get()).toHaveLength(1);
  expect(outbox.isStored.get()).toBe(false);
});

test("counted votes go, refused ones stay with the reason, under the name that cast them", async () => {
  const outbox = fresh();
  for (const id of ["good", "bad"]) await outbox.update((all) => ({ records: [...all, sending(id)], answer: null }));
  const requests = answering((votes) =>
    json({
      outcomes: votes.map(({ subtask_id }) => ({
        subtask_id,
        status: subtask_id === "good" ? 200 : 409,
        code: subtask_id === "good" ? "counted" : "lease-lost",
        detail: "taken",
      })),
    }),
  );
  expect(await deliver(outbox, outbox.records.get())).toBe(true);
  expect(outbox.records.get().map(({ lease, phase }) => [lease.subtask_id, phase])).toEqual([["bad", "refused"]]);
  expect(outbox.records.get()[0]?.refusal).toEqual({ code: "lease-lost", detail: "taken" });
  expect(requests.map((request) => request.headers.get("X-Quorate-User"))).toEqual(["ann"]);
});

test("the platform hears how a person came to a vote, where the page that stored it knew", async () => {
  const outbox = fresh();
  const known = { ...sending("new"), manner: { mode: "single", took_ms: 1_250 } as const };
  await outbox.update(() => ({ records: [sending("old"), known], answer: null }));
  const requests = answering((votes) => outcomes(votes, 200));
  await deliver(outbox, outbox.records.get());
  const [sent] = await Promise.all(requests.map((request) => request.json()));
  expect(sent.votes).toEqual([
    { subtask_id: "old", token: "t", label: "cat", mode: "single" },
    { subtask_id: "new", token: "t", label: "cat", mode: "single", took_ms: 1_250 },
  ]);
});

test.each([[500], [503], [429], [0]])("a request that ends with %i leaves every vote where it is", async (status) => {
  const outbox = fresh();
  await outbox.update((all) => ({ records: [...all, sending("one")], answer: null }));
  answering(() => {
    if (status === 0) throw new TypeError("Failed to fetch");
    return json({ title: "not now" }, status);
  });
  expect(await deliver(outbox, outbox.records.get())).toBe(false);
  expect(outbox.records.get().map(({ phase }) => phase)).toEqual(["sending"]);
});

test("whoever asks too often is told how long to wait", async () => {
  const outbox = fresh();
  await outbox.update((all) => ({ records: [...all, sending("one")], answer: null }));
  answering(() => Response.json({ title: "Too Many Requests" }, { status: 429, headers: { "Retry-After": "7" } }));
  const told: number[] = [];
  expect(await deliver(outbox, outbox.records.get(), (seconds) => told.push(seconds))).toBe(false);
  expect(told).toEqual([7]);
  expect(outbox.records.get().map(({ phase }) => phase)).toEqual(["sending"]);
});

test("a vote that makes the platform refuse the whole request stops no other", async () => {
  const outbox = fresh();
  for (const id of ["one", "poison", "two"])
    await outbox.update((all) => ({ records: [...all, sending(id)], answer: null }));
  answering((votes) =>
    votes.some(({ subtask_id }) => subtask_id === "poison")
      ? json({ title: "Invalid", detail: "no" }, 422)
      : outcomes(votes, 200),
  );
  expect(await deliver(outbox, outbox.records.get())).toBe(true);
  expect(outbox.records.get().map(({ lease, phase }) => [lease.subtask_id, phase])).toEqual([["poison", "refused"]]);
});

test("a session sends the votes of its own person only, under no name", async () => {
  const outbox = fresh();
  const mine = { ...sending("mine"), user: "ann" };
  const others = { ...sending("others"), user: "ben" };
  await outbox.update(() => ({ records: [mine, others], answer: null }));
  const requests = answering((votes) => outcomes(votes, 200));
  auth.set("on");
  person.set("ann");
  const now = Date.now();
  const { answer: batch } = claim(outbox.records.get(), now, maySend);
  expect(batch.map(({ lease }) => lease.subtask_id)).toEqual(["mine"]);
  expect(await deliver(outbox, batch)).toBe(true);
  expect(await deliver(outbox, [others])).toBe(false);
  expect(requests.map(({ headers }) => [headers.get("X-Quorate-User"), headers.get("X-Quorate-Request")])).toEqual([
    [null, "1"],
  ]);
  expect(outbox.records.get().map(({ user }) => user)).toEqual(["ben"]);
});
