/** One person's work on the Label page: brings the rules, the picture, leases and the outbox together, without React. */
import { ApiProblem, api, bodyOf } from "../api/client";
import { type Activity, fetchActivity, type Lease } from "../api/fields";
import { MOST_AHEAD, prefs } from "../shell/prefs";
import { type Store, store } from "../shell/store";
import { label as texts } from "../texts/en.label";
import { giveBack, giveBackAtEnd, lookFor, pace, renew, timeLeft, wanted } from "./leases";
import type { Outbox } from "./outbox";
import * as queue from "./queue";
import { recalled } from "./recalled";
import { Rows, type ShortRow } from "./rows";
import type { Stage } from "./stage";
import { suggestionOf } from "./suggestions";
import { countToday, dayBegan, learnToday, votesToday } from "./today";
import { takeBack } from "./undo";
import { emptyView, type View } from "./view";

const RATE_VOTES = 30;
const RECENT = 9;
const TICK_MS = 1_000;
const IDLE_MS = 10 * 60_000;
const WARNING_MS = 60_000;
const LOOK_AGAIN_MS = [5_000, 10_000, 20_000, 30_000];
/** The longest time on screen that the platform takes. */
const LONGEST_TOOK_MS = 24 * 3_600_000;

export type Mode = "one" | "grid";

interface Task {
  name: string;
  state: string;
  detector: { mode: string };
}

export class Session {
  readonly view: Store<View>;
  /** Images that left the rows of the grid without a vote: they come one at a time. */
  aside: ReadonlySet<string> = new Set();
  readonly #user: string;
  readonly #taskId: string | null;
  readonly #outbox: Outbox;
  readonly #stage: Stage;
  readonly #rows = new Rows();
  readonly #tasks = new Map<string, Task | null>();
  #desk: queue.Desk;
  #mode: Mode = "one";
  #onScreen: { subtaskId: string | null; since: number } = { subtaskId: null, since: 0 };
  #moments: readonly number[] = [];
  /** Votes a minute before this page, as the platform says. */
  #before = 0;
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
    this.view = store(emptyView(votesToday(user)));
  }

  start(): void {
    addEventListener("pagehide", this.#leave);
    document.addEventListener("visibilitychange", this.#seen);
    for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, this.#used);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.look();
    void this.#recall();
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
    const [lease] = this.#desk.held;
    const tookMs = Math.min(Math.max(Date.now() - this.#onScreen.since, 0), LONGEST_TOOK_MS);
    if (lease) this.#cast([{ lease, label }], { mode: "single", took_ms: tookMs });
  }

  /** Votes on images of the grid, in one deed and one request. */
  voteAll(choices: readonly queue.Choice[]): void {
    this.#cast(choices, { mode: "grid" });
  }

  #cast(choices: readonly queue.Choice[], manner: queue.Manner): void {
    if (this.#isUndoing) return;
    const now = Date.now();
    const { desk, records } = queue.vote(this.#desk, choices, now, manner);
    if (records.length === 0) return;
    this.#desk = desk;
    this.#moments = [...this.#moments, ...records.map(() => now)].slice(-RATE_VOTES);
    countToday(this.#user, records.length);
    const voted = records.map((record) => record.label);
    const recent = [...new Set([...voted, ...this.view.get().recent])].slice(0, RECENT);
    this.#show({ notice: null, recent });
    void this.#outbox.add(records).then((underWay) => {
      if (underWay.length > 0) this.#say(texts.notice.voted);
    });
    this.#topUp();
  }

  unsure(): void {
    if (this.view.get().lease?.allow_unsure) this.vote("unsure");
  }

  skip(): void {
    const [lease] = this.#desk.held;
    if (!lease || this.#isUndoing) return;
    this.#desk = queue.leave(this.#desk, [lease]);
    this.#show({ notice: null });
    giveBack(lease, true).catch((error) => {
      if (!(error instanceof ApiProblem && error.status < 500 && error.status > 0))
        this.#say(texts.notice.notGivenBack);
    });
    this.#topUp();
  }

  /** Takes the last deed back, or one vote: from the outbox if it is still there, else from the platform. */
  async undo(subtaskId?: string): Promise<void> {
    const deed = subtaskId === undefined ? this.#desk.past.at(-1) : this.#desk.past.flat();
    const leases = (deed ?? [])
      .map((choice) => choice.lease)
      .filter((one) => (subtaskId ?? one.subtask_id) === one.subtask_id);
    if (leases.length === 0) return this.#say(texts.notice.nothingToUndo);
    if (this.#isUndoing) return;
    this.#isUndoing = true;
    const { back, error, isSending } = await takeBack(this.#outbox, this.#user, leases).finally(() => {
      this.#isUndoing = false;
    });
    this.#desk = queue.putBack(this.#desk, back);
    countToday(this.#user, -back.length);
    this.#show({ notice: isSending ? texts.notice.beingSent : error && texts.notice.notUndone(error.message) });
  }

  /** One image at a time, or rows of what the detector suggests; `first` are the images to come first. */
  setMode(mode: Mode, first: ReadonlySet<string> = new Set()): void {
    this.#mode = mode;
    this.#desk = queue.bringForward(this.#desk, first);
    this.#show({ notice: null });
    this.#topUp();
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
    if (this.#isLooking || this.#isClosed || Date.now() < this.#lookAt) return;
    const { held } = this.#desk;
    const isGrid = this.#mode === "grid" && held.length > 0; // the first images tell the task and its labels
    const row = isGrid ? this.#rows.short(held, this.aside, Date.now()) : null;
    if (!row && (isGrid || held.length > this.#ahead() / 2)) return;
    this.#isLooking = true;
    void (row ? this.#fill(row) : this.#ask(this.#ahead())).finally(() => {
      this.#isLooking = false;
      if (this.#mode === "grid" && this.#desk.held.length > 0) this.#topUp(); // row after row
    });
  }

  /** How many images to hold where one comes at a time. */
  #ahead(): number {
    return wanted(pace(this.#moments, Date.now()), prefs.get().ahead);
  }

  async #ask(want: number): Promise<void> {
    try {
      // An answer that was asked for before such votes were sent may bring their images again.
      const left = await this.#outbox.left;
      const before = this.#busy();
      const found = await lookFor(Math.min(want + before.size, 100), this.#taskId, left.length === 0);
      const isMore = this.#hold(found.leases, before) || found.more;
      if (isMore) this.#misses = this.#lookAt = 0;
      else this.#lookLater();
      if (this.#taskId && this.#desk.held.length === 0) this.#learn(this.#taskId);
      this.#show({ phase: "working", waitingForOthers: found.waitingForOthers, error: null });
    } catch (error) {
      this.#lookLater();
      this.#show(this.#desk.held.length > 0 ? {} : { phase: "failed", error });
    }
  }

  /** Fills a row of the grid. */
  async #fill(row: ShortRow): Promise<void> {
    const before = this.#busy();
    try {
      const labels = this.#desk.held[0]?.labels.length ?? 0;
      this.#hold(await this.#rows.lease(row, before.size, labels), before);
      this.#misses = 0;
      this.#show({});
    } catch {
      this.#lookLater(); // what is held can be voted meanwhile
    }
  }

  /** Takes leases in, but for images whose vote was under way before they were asked for, or is now; says whether any is new. */
  #hold(leases: readonly Lease[], before: ReadonlySet<string>): boolean {
    if (this.#isClosed) {
      giveBackAtEnd(this.#user, leases);
      return false;
    }
    const had = this.#desk.held.length;
    this.#desk = queue.hold(this.#desk, leases, new Set([...before, ...this.#busy()]));
    this.#planRenewal();
    return this.#desk.held.length > had;
  }

  #lookLater(): void {
    this.#misses += 1;
    this.#lookAt = Date.now() + (LOOK_AGAIN_MS[Math.min(this.#misses, LOOK_AGAIN_MS.length) - 1] ?? 0);
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
      perMinute: this.#perMinute(now),
    });
  }

  #perMinute(now: number): number {
    return this.#moments.length < 2 ? this.#before : pace(this.#moments, now) * 60;
  }

  /** Takes in what the person did before, elsewhere too. The page works without. */
  async #recall(): Promise<void> {
    const fetched: Promise<Activity | null> = fetchActivity(this.#user, dayBegan()).catch(() => null);
    const [activity] = await Promise.all([fetched, this.#outbox.left]);
    if (this.#isClosed) return;
    const mine = this.#outbox.records.get().filter((one) => one.user === this.#user && one.phase !== "refused");
    const { past, unheard } = recalled(activity, mine, this.#taskId);
    this.#desk = queue.recall(this.#desk, past);
    if (activity) learnToday(this.#user, activity.today + unheard + this.#outbox.writing.get());
    this.#before = activity?.votes_per_minute ?? 0;
    this.#show({});
  }

  #show(change: Partial<View>): void {
    if (this.#isClosed) return;
    const [lease = null, ...ahead] = this.#desk.held;
    const isOne = this.#mode === "one";
    this.#stage.show(isOne ? lease : null);
    const subtaskId = isOne && lease ? lease.subtask_id : null;
    if (subtaskId !== this.#onScreen.subtaskId) this.#onScreen = { subtaskId, since: Date.now() };
    this.#stage.prepare(isOne ? this.#desk.held.slice(0, MOST_AHEAD) : []);
    const task = this.#taskOf(lease?.task_id ?? this.#taskId);
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
      past: this.#desk.past.flat(),
      taskName: lease ? (task?.name ?? null) : before.taskName,
      isFinished: lease === null && task?.state === "completed",
      isGridOffered: task !== null && task.detector.mode !== "off" && this.#desk.held.some(suggestionOf),
      today: votesToday(this.#user),
      perMinute: this.#perMinute(Date.now()),
      leftMs: timeLeft(this.#desk.held),
    });
  }

  #say(notice: string): void {
    this.view.set({ ...this.view.get(), notice });
  }

  #taskOf(taskId: string | null): Task | null {
    if (taskId === null) return null;
    const known = this.#tasks.get(taskId);
    if (known === undefined) this.#learn(taskId);
    return known ?? null;
  }

  #learn(taskId: string): void {
    this.#tasks.set(taskId, this.#tasks.get(taskId) ?? null);
    api.GET("/api/tasks/{task_id}", { params: { path: { task_id: taskId } } }).then(
      (answer) => {
        this.#tasks.set(taskId, bodyOf(answer));
        this.#show({});
      },
      () => undefined, // the page works without knowing more of the task
    );
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
