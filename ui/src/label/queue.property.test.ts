/**
 * Whatever is pressed, cut, closed and opened in two tabs by two users: no vote is lost, none counts twice, none counts
 * under another user. The rules of `queue.ts` run against a model of the platform that leases, counts and refuses.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Lease } from "../api/fields";
import * as queue from "./queue";

const USERS = ["ann", "bea"];
const LABELS = ["cat", "dog"];
const IMAGES = 6;

function leaseOf(id: string, token: string): Lease {
  return { subtask_id: id, task_id: "task", token, labels: LABELS, expires_at: "" } as unknown as Lease;
}

interface Counted {
  label: string;
  token: string;
}

/** The platform: one lease a user and image, one vote a user and image, as its own rules have it. */
class Model {
  readonly leases = new Map<string, string>();
  readonly votes = new Map<string, Counted>();
  /** How often a vote was counted that had been counted already. */
  doubled = 0;
  /** How often a vote came under another name than its user's. */
  mistaken = 0;
  #tokens = 0;

  /** Leases that are granted together share a token, as the platform's do. */
  lease(user: string): Lease[] {
    const token = `token ${this.#tokens++}`;
    return Array.from({ length: IMAGES }, (_, index) => `image ${index}`)
      .filter((id) => !this.votes.has(`${user}\n${id}`))
      .map((id) => this.#leased(user, id, token));
  }

  #leased(user: string, id: string, newToken: string): Lease {
    const key = `${user}\n${id}`;
    const token = this.leases.get(key) ?? newToken;
    this.leases.set(key, token);
    return leaseOf(id, token);
  }

  vote(user: string, record: queue.VoteRecord): queue.Outcome {
    const { subtask_id, token } = record.lease;
    const key = `${user}\n${subtask_id}`;
    const before = this.votes.get(key);
    if (record.user !== user) this.mistaken += 1;
    const outcome = (status: number) => ({ subtask_id, status, code: "", detail: "" });
    if (before) return outcome(before.token === token && before.label === record.label ? 200 : 409);
    if (this.leases.get(key) !== token) return outcome(409);
    this.leases.delete(key);
    if (this.votes.has(key)) this.doubled += 1;
    this.votes.set(key, { label: record.label, token });
    return outcome(200);
  }

  undo(user: string, subtaskId: string): Lease | null {
    return this.votes.delete(`${user}\n${subtaskId}`) ? this.#leased(user, subtaskId, `token ${this.#tokens++}`) : null;
  }

  expire(user: string, subtaskId: string): void {
    this.leases.delete(`${user}\n${subtaskId}`);
  }
}

/** What people did, and so what must come out. */
class Intent {
  readonly wanted = new Map<string, string>();

  cast(record: queue.VoteRecord): void {
    this.wanted.set(queue.keyOf(record), record.label);
  }
}

/** A browser with two tabs, which share storage. */
class Browser {
  readonly model = new Model();
  readonly intent = new Intent();
  records: readonly queue.VoteRecord[] = [];
  desks = [queue.emptyDesk("ann"), queue.emptyDesk("ann")];
  /** Answers of the platform to leases, still under way. */
  answers: { tab: number; user: string; leases: Lease[]; busy: ReadonlySet<string> }[] = [];
  now = 1;
  tabs = 2;

  change<A>(changed: queue.Changed<A>): A {
    this.records = changed.records;
    return changed.answer;
  }

  desk(tab: number): queue.Desk {
    return this.desks[tab % this.tabs] ?? queue.emptyDesk("ann");
  }

  put(tab: number, desk: queue.Desk): void {
    this.desks[tab % this.tabs] = desk;
  }

  busy(user: string): Set<string> {
    return new Set(
      this.records.filter((one) => one.user === user && one.phase !== "refused").map((one) => one.lease.subtask_id),
    );
  }

  ask(tab: number): void {
    const { user } = this.desk(tab);
    this.answers.push({ tab, user, leases: this.model.lease(user), busy: this.busy(user) });
  }

  hear(): void {
    const answer = this.answers.shift();
    if (!answer || this.desk(answer.tab).user !== answer.user) return;
    const busy = new Set([...answer.busy, ...this.busy(answer.user)]);
    this.put(answer.tab, queue.hold(this.desk(answer.tab), answer.leases, busy));
  }

  press(tab: number, label: string): void {
    this.#cast(
      tab,
      this.desk(tab)
        .held.slice(0, 1)
        .map((lease) => ({ lease, label })),
    );
  }

  /** Votes a row: some of the images held, in any order, some perhaps no longer held. */
  pressRow(tab: number, choices: readonly (readonly [image: number, label: string])[]): void {
    this.#cast(
      tab,
      choices.map(([image, label]) => ({ lease: leaseOf(`image ${image}`, "any"), label })),
    );
  }

  #cast(tab: number, choices: readonly queue.Choice[]): void {
    const { desk, records } = queue.vote(this.desk(tab), choices, this.now);
    this.put(tab, desk);
    const underWay = this.change(queue.cast(this.records, records));
    for (const record of records) if (!underWay.includes(record)) this.intent.cast(record);
  }

  undo(tab: number): void {
    const desk = this.desk(tab);
    const leases = (desk.past.at(-1) ?? []).map((choice) => choice.lease);
    const { taken, gone } = this.change(queue.takeBack(this.records, desk.user, leases));
    const undone = gone.flatMap(({ subtask_id }) => this.model.undo(desk.user, subtask_id) ?? []);
    for (const lease of [...taken, ...undone]) this.intent.wanted.delete(queue.keyOf({ user: desk.user, lease }));
    this.put(tab, queue.putBack(desk, [...taken, ...undone]));
  }

  /** The sender: what is due goes out; the request, its answer, or neither gets through. */
  send(fate: "arrives" | "request-lost" | "answer-lost"): void {
    const batch = this.change(queue.claim(this.records, this.now));
    const [first] = batch;
    if (!first || fate === "request-lost") return;
    const outcomes = batch.map((record) => this.model.vote(first.user, record));
    if (fate === "answer-lost") return;
    this.change(queue.settle(this.records, first.user, outcomes));
  }

  reload(tab: number, user: string): void {
    this.change(queue.release(this.records, this.desk(tab).user));
    this.put(tab, queue.emptyDesk(user));
  }

  wait(milliseconds: number): void {
    this.now += milliseconds;
  }

  drain(): void {
    this.wait(queue.HOLD_MS);
    for (let sent = 0; sent < 2 * IMAGES * USERS.length; sent++) this.send("arrives");
    expect(this.records.filter((record) => record.phase !== "refused")).toEqual([]);
  }
}

const tab = fc.nat({ max: 1 });
const step: fc.Arbitrary<(browser: Browser) => void> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(tab, fc.constantFrom(...LABELS)).map(
      ([at, label]) =>
        (b: Browser) =>
          b.press(at, label),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(tab, fc.array(fc.tuple(fc.nat({ max: IMAGES - 1 }), fc.constantFrom(...LABELS)))).map(
      ([at, choices]) =>
        (b: Browser) =>
          b.pressRow(at, choices),
    ),
  },
  { weight: 3, arbitrary: tab.map((at) => (b: Browser) => b.ask(at)) },
  { weight: 4, arbitrary: fc.constant((b: Browser) => b.hear()) },
  { weight: 3, arbitrary: tab.map((at) => (b: Browser) => b.undo(at)) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom("arrives", "request-lost", "answer-lost")
      .map((fate) => (b: Browser) => b.send(fate as "arrives")),
  },
  { weight: 2, arbitrary: fc.constantFrom(1, queue.HOLD_MS).map((ms) => (b: Browser) => b.wait(ms)) },
  {
    weight: 1,
    arbitrary: fc.tuple(tab, fc.constantFrom(...USERS)).map(
      ([at, user]) =>
        (b: Browser) =>
          b.reload(at, user),
    ),
  },
);
const loss: fc.Arbitrary<(browser: Browser) => void> = fc
  .tuple(fc.constantFrom(...USERS), fc.nat({ max: IMAGES - 1 }))
  .map(
    ([user, index]) =>
      (b: Browser) =>
        b.model.expire(user, `image ${index}`),
  );

function played(steps: readonly ((browser: Browser) => void)[]): Browser {
  const browser = new Browser();
  for (const take of [(b: Browser) => b.ask(0), (b: Browser) => b.hear(), ...steps]) take(browser);
  browser.drain();
  return browser;
}

const counted = (browser: Browser) => new Map([...browser.model.votes].map(([key, vote]) => [key, vote.label]));
const runs = { numRuns: 3_000 };

test("every vote that was cast and not taken back counts once, for its own user, with its own label", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const browser = played(steps);
      const refused = new Set(browser.records.map(queue.keyOf));
      const votes = counted(browser);
      expect([browser.model.doubled, browser.model.mistaken]).toEqual([0, 0]);
      for (const [key, label] of browser.intent.wanted) if (!refused.has(key)) expect(votes.get(key)).toBe(label);
      for (const key of votes.keys()) expect([...browser.intent.wanted.keys(), ...refused]).toContain(key);
    }),
    runs,
  );
});

/** The same in a browser that has one tab, as the lock of the Label page sees to. */
function playedAlone(steps: readonly ((browser: Browser) => void)[]): Browser {
  const browser = new Browser();
  browser.desks = [queue.emptyDesk("ann")];
  browser.tabs = 1;
  for (const take of steps) take(browser);
  browser.drain();
  return browser;
}

test("with one tab nothing is refused", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const browser = playedAlone(steps);
      expect(browser.records).toEqual([]);
      expect(counted(browser)).toEqual(browser.intent.wanted);
    }),
    runs,
  );
});

test("an image that is leased and has no vote under way is on the desk once asked for", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const browser = playedAlone(steps);
      browser.answers = [];
      browser.ask(0);
      const [answer] = browser.answers;
      browser.hear();
      const held = browser.desk(0).held.map((lease) => lease.subtask_id);
      expect(new Set(held).size).toBe(held.length);
      expect(held).toEqual(expect.arrayContaining((answer?.leases ?? []).map((lease) => lease.subtask_id)));
    }),
    runs,
  );
});

test("leases that end on the way cost no vote but those that are shown as refused", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: loss }), { maxLength: 60 }),
      (steps) => {
        const browser = played(steps);
        const votes = counted(browser);
        const refused = new Set(browser.records.map(queue.keyOf));
        for (const [key, label] of browser.intent.wanted)
          expect(refused.has(key) || votes.get(key) === label).toBe(true);
        expect(browser.model.doubled).toBe(0);
      },
    ),
    runs,
  );
});
