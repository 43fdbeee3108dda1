/** A platform that has been at work for long, as its administrators see it; a test's own platform has just begun. */
import type { Page } from "@playwright/test";

const QUEUES = [
  "detector.subtask.opened.v1",
  "subtask_manager.image.ready.v1",
  "subtask_manager.subtask.prelabeled.v1",
  "subtask_manager.task.cancelled.v1",
  "task_manager.subtask.completed.v1",
  "task_manager.subtask.disputed.v1",
];
const MINUTE_MS = 60_000;

/** Answers about series as such a platform would: with a gap, and unknown at the beginning of the day. */
export async function withSeries(page: Page): Promise<void> {
  await page.route(/\/api\/admin\/series/, (route) => {
    const minutes = Number(new URL(route.request().url()).searchParams.get("minutes"));
    const from = Math.floor(Date.now() / MINUTE_MS - minutes) * MINUTE_MS;
    return route.fulfill({
      json: {
        step_s: 60,
        from: new Date(from).toISOString(),
        replica: "quorate-task-manager-6c9f7d5b8-x2lqm:1",
        series: seriesOf(minutes),
      },
    });
  });
}

function seriesOf(minutes: number): Record<string, (number | null)[]> {
  const known = minutes > 60 ? 0.3 : 0;
  const by = (value: (at: number) => number) =>
    Array.from({ length: minutes }, (_, place) => {
      const at = place / minutes;
      return at < known || (at > 0.62 && at < 0.68) ? null : value(at);
    });
  const wave = (at: number, pace: number) => Math.sin(at * pace) + Math.sin(at * pace * 2.7) / 2;
  return {
    votes: by((at) => Math.round(420 + 260 * wave(at, 9))),
    requests_p50_ms: by((at) => 4 + wave(at, 20)),
    requests_p95_ms: by((at) => 38 + 14 * wave(at, 31) + (at > 0.8 && at < 0.84 ? 160 : 0)),
    [`queue.${QUEUES[0]}`]: by((at) => (at > 0.8 && at < 0.9 ? 240 * (at - 0.8) : 0)),
    [`queue.${QUEUES[4]}`]: by((at) => Math.max(0, wave(at, 15))),
  };
}

/** Several replicas of each service, and events that could not be handled. */
export async function withReplicas(page: Page): Promise<void> {
  const now = Date.now();
  const services = ["detector", "subtask_manager", "subtask_manager", "task_manager", "task_manager"];
  await page.route(/\/api\/admin\/services/, (route) =>
    route.fulfill({
      json: {
        as_of: new Date(now).toISOString(),
        services: services.map((service, number) => ({
          service,
          replica: `quorate-${service.replace("_", "-")}-6c9f7d5b8-x2lq${number}:1`,
          version: "0.1.0",
          profile: "distributed",
          started_at: new Date(now - 900 * MINUTE_MS).toISOString(),
          last_seen_at: new Date(now - (number === 2 ? 4 : 0) * MINUTE_MS).toISOString(),
          requests_per_minute: 1_240 * number,
          errors_per_minute: number === 3 ? 2 : 0,
          busy: 0.31 * number,
          p95_ms: number === 0 ? null : 12.4 * number,
          queues: [],
          outbox: 0,
          model: service === "detector" ? "detector:yolov8n@9f2c11d0" : null,
        })),
      },
    }),
  );
  await page.route(/\/api\/admin\/dead/, (route) =>
    route.fulfill({
      json: {
        items: QUEUES.slice(3).map((queue, number) => ({
          id: String(number),
          queue,
          type: queue.slice(queue.indexOf(".") + 1),
          subject: "0f3a9c5d7e1b42a8b6c0d2e4f6a8b0c2",
          reason: "NotFound: there is no task with the id 0f3a9c5d7e1b42a8b6c0d2e4f6a8b0c2",
          died_at: new Date(now - number * 90 * MINUTE_MS).toISOString(),
        })),
      },
    }),
  );
}
