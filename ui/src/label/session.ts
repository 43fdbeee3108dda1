/** One person's work on the Label page: brings the rules, the picture, leases and the outbox together, without React. */
import { ApiProblem, api, bodyOf } from "../api/client";
import { type Lease, undoVote } from "../api/fields";
import { type Store, store } from "../shell/store";
import { label as texts } from "../texts/en.label";
import { giveBack, giveBackAtEnd, lookFor, pace, renew, timeLeft, wanted } from "./leases";
import type { Outbox } from "./outbox";
import * as queue from "./queue";
import type { Stage } from "./stage";
import { countToday, votesToday } from "./today";

const RATE_VOTES = 30;
const TICK_MS = 1_000;
const IDLE_MS = 10 * 60_000;
const WARNING_MS = 60_000;
const LOOK_AGAIN_MS = [5_000, 10_000, 20_000, 30_000];
const SENDING_MS = 5_000;

export interface View {
  phase: "starting" | "working" | "empty" | "failed";
  lease: Lease | null;
  ahead: readonly Lease[];
  past: readonly queue.Past[];
  taskName: string | null;
  waitingForOthers: number;
  /** Votes cast in this browser today. */
  today: number;
  perMinute: number;
  leftMs: number | null;
  isIdle: boolean;
  notice: string | null;
  error: unknown;
}

export class Session {
  readonly view: Store<View>;
  readonly #user: string;
  readonly #taskId: string | null;
  readonly #outbox: Outbox;
  readonly #stage: Stage;
  readonly #names = new Map<string, string | null>();
  #desk: queue.Desk;
  #moments: readonly number[] = [];
  #usedAt = Date.now();
  #renewAt = Number.POSITIVE_INFINITY;
  #lookAt = 0;
  #misses = 0;
  #isLooking = false;
  #isRenewing = false;
  #isUndoing = false;
  #isClosed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(user: string, taskId: string | null, outbox: Outbox, stage: Stage) {
    this.#user = user;
    this.#taskId = taskId;
    this.#outbox = outbox;
    this.#stage = stage;
    this.#desk = queue.emptyDesk(user);
    this.view = store<View>({
      phase: "starting",
      lease: null,
      ahead: [],
      past: [],
      taskName: null,
      waitingForOthers: 0,
      today: votesToday(user),
      perMinute: 0,
      leftMs: null,
      isIdle: false,
      notice: null,
      error: null,
    });
  }

  async start(): Promise<void> {
    addEventListener("pagehide", this.#leave);
    document.addEventListener("visibilitychange", this.#seen);
    for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, this.#used);
    await this.#outbox.refresh();
    if (this.#isClosed) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.look();
  }

  /** Ends the work here. Images that another tab goes on with are not given back: it has the same leases. */
  close(isGoingOnElsewhere: boolean): void {
    this.#isClosed = true;
    if (isGoingOnElsewhere) this.#desk = { ...this.#desk, held: [] };
    clearInterval(this.#timer);
    removeEventListener("pagehide", this.#leave);
    document.removeEventListener("visibilitychange", this.#seen);
    for (const kind of ["keydown", "pointerdown"]) removeEventListener(kind, this.#used);
    this.#leave();
    this.#stage.close();
  }

  /** Votes on the image on screen. The next picture is there before anything else happens. */
  vote(label: string): void {
    const voted = queue.vote(this.#desk, label, Date.now());
    if (!voted || this.#isUndoing) return;
    this.#desk = voted.desk;
    this.#moments = [...this.#moments, Date.now()].slice(-RATE_VOTES);
    countToday(this.#user, 1);
    this.#show({ notice: null });
    void this.#outbox.add(voted.record).then((isNew) => {
      if (!isNew) this.#say(texts.notice.voted);
    });
    this.#topUp();
  }

  unsure(): void {
    if (this.view.get().lease?.allow_unsure) this.vote("unsure");
  }

  skip(): void {
    const [lease] = this.#desk.held;
    if (!lease || this.#isUndoing) return;
    this.#desk = queue.leave(this.#desk);
    this.#show({ notice: null });
    giveBack(lease, true).catch((error) => {
      if (!(error instanceof ApiProblem && error.status < 500 && error.status > 0))
        this.#say(texts.notice.notGivenBack);
    });
    this.#topUp();
  }

  /** Takes the last vote back, or one of the last: from the outbox if it is still there, else from the platform. */
  async undo(subtaskId = this.#desk.past.at(-1)?.lease.subtask_id): Promise<void> {
    const past = this.#desk.past.find((one) => one.lease.subtask_id === subtaskId);
    if (!past) return this.#say(texts.notice.nothingToUndo);
    if (this.#isUndoing) return;
    this.#isUndoing = true;
    try {
      const lease = await this.#takeBack(past.lease);
      if (!lease) return this.#say(texts.notice.beingSent);
      this.#desk = queue.putBack(this.#desk, lease);
      countToday(this.#user, -1);
      this.#show({ notice: null });
    } catch (error) {
      this.#say(texts.notice.notUndone(error instanceof ApiProblem ? error.message : String(error)));
    } finally {
      this.#isUndoing = false;
    }
  }

  async #takeBack(lease: Lease): Promise<Lease | null> {
    const ends = Date.now() + SENDING_MS;
    for (;;) {
      const is = await this.#outbox.update((records) => queue.takeBack(records, this.#user, lease.subtask_id));
      if (is === "taken") return lease;
      if (is === "gone") return undoVote(lease.subtask_id);
      if (Date.now() > ends) return null;
      await changed(this.#outbox.records, ends - Date.now());
    }
  }

  /** Asks for images now. */
  look(): void {
    this.#lookAt = 0;
    this.#topUp();
  }

  /** Keeps what is held, as any input does. */
  keep(): void {
    this.#used();
  }

  #topUp(): void {
    const now = Date.now();
    const want = wanted(pace(this.#moments, now));
    if (this.#isLooking || this.#isClosed || now < this.#lookAt || this.#desk.held.length > want / 2) return;
    this.#isLooking = true;
    void this.#ask(want).finally(() => {
      this.#isLooking = false;
    });
  }

  async #ask(want: number): Promise<void> {
    const before = this.#busy();
    try {
      const found = await lookFor(Math.min(want + before.size, 100), this.#taskId);
      if (this.#isClosed) return giveBackAtEnd(this.#user, found.leases);
      const busy = new Set([...before, ...this.#busy()]);
      const had = this.#desk.held.length;
      this.#desk = queue.hold(this.#desk, found.leases, busy);
      const isMore = this.#desk.held.length > had || found.more;
      this.#misses = isMore ? 0 : this.#misses + 1;
      this.#lookAt = isMore ? 0 : Date.now() + (LOOK_AGAIN_MS[Math.min(this.#misses, LOOK_AGAIN_MS.length) - 1] ?? 0);
      this.#planRenewal();
      this.#show({ phase: "working", waitingForOthers: found.waitingForOthers, error: null });
    } catch (error) {
      this.#misses += 1;
      this.#lookAt = Date.now() + (LOOK_AGAIN_MS[Math.min(this.#misses, LOOK_AGAIN_MS.length) - 1] ?? 0);
      this.#show(this.#desk.held.length > 0 ? {} : { phase: "failed", error });
    }
  }

  /** Images whose vote is under way. */
  #busy(): ReadonlySet<string> {
    const mine = this.#outbox.records.get().filter((one) => one.user === this.#user && one.phase !== "refused");
    return new Set(mine.map((record) => record.lease.subtask_id));
  }

  #planRenewal(): void {
    const left = timeLeft(this.#desk.held);
    this.#renewAt = left === null ? Number.POSITIVE_INFINITY : Date.now() + left / 3;
  }

  async #renew(): Promise<void> {
    this.#isRenewing = true;
    try {
      const { desk, lost } = queue.renewed(this.#desk, await renew(this.#desk.held));
      const isOnScreen = lost.some((lease) => lease.subtask_id === this.#desk.held[0]?.subtask_id);
      this.#desk = desk;
      this.#show(isOnScreen ? { notice: texts.notice.exchanged } : {});
      this.#topUp();
      this.#planRenewal();
    } catch {
      this.#renewAt = Date.now() + TICK_MS * 5; // no answer: the leases may still be had
    } finally {
      this.#isRenewing = false;
    }
  }

  #tick(): void {
    const now = Date.now();
    const isUsed = document.visibilityState === "visible" && now - this.#usedAt < IDLE_MS;
    if (isUsed && now >= this.#renewAt && !this.#isRenewing && this.#desk.held.length > 0) void this.#renew();
    if (isUsed || this.#desk.held.length === 0) this.#topUp();
    const leftMs = timeLeft(this.#desk.held);
    this.view.set({
      ...this.view.get(),
      leftMs,
      isIdle: !isUsed && leftMs !== null && leftMs < WARNING_MS,
      perMinute: pace(this.#moments, now) * 60,
    });
  }

  #show(change: Partial<View>): void {
    if (this.#isClosed) return;
    const [lease = null, ...ahead] = this.#desk.held;
    this.#stage.show(lease);
    this.#stage.prepare(this.#desk.held);
    const before = this.view.get();
    const phase = lease
      ? "working"
      : (change.phase ?? before.phase) === "working"
        ? "empty"
        : (change.phase ?? before.phase);
    this.view.set({
      ...before,
      ...change,
      phase,
      lease,
      ahead,
      past: this.#desk.past,
      taskName: lease ? this.#nameOf(lease.task_id) : before.taskName,
      today: votesToday(this.#user),
      perMinute: pace(this.#moments, Date.now()) * 60,
      leftMs: timeLeft(this.#desk.held),
    });
  }

  #say(notice: string): void {
    this.view.set({ ...this.view.get(), notice });
  }

  #nameOf(taskId: string): string | null {
    const known = this.#names.get(taskId);
    if (known !== undefined) return known;
    this.#names.set(taskId, null);
    api.GET("/api/tasks/{task_id}", { params: { path: { task_id: taskId } } }).then(
      (answer) => {
        this.#names.set(taskId, bodyOf(answer).name);
        this.#show({});
      },
      () => undefined, // the page works without the name
    );
    return null;
  }

  readonly #used = (): void => {
    this.#usedAt = Date.now();
    if (!this.view.get().isIdle) return;
    this.#renewAt = 0;
    this.#tick();
  };

  readonly #seen = (): void => {
    if (document.visibilityState === "hidden") void this.#release();
    else this.#tick();
  };

  readonly #leave = (): void => {
    void this.#release();
    giveBackAtEnd(this.#user, this.#desk.held);
    this.#desk = { ...this.#desk, held: [] };
  };

  #release(): Promise<null> {
    return this.#outbox.update((records) => queue.release(records, this.#user));
  }
}

function changed(records: Outbox["records"], atMostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.max(atMostMs, 0));
    const forget = records.subscribe(done);
    function done(): void {
      clearTimeout(timer);
      forget();
      resolve();
    }
  });
}
