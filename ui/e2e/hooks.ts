/** Webhooks and deliveries as an older platform would have them: a team may have few, and pictures of pages need some. */
import type { Page } from "@playwright/test";

const HOUR_MS = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();
const ID = "0f".repeat(16);

const WEBHOOK = {
  id: ID,
  url: "https://hooks.example.org/services/quorate/a-path-that-is-rather-long?team=shelves",
  events: ["task.completed", "task.disputed"],
  task_id: null,
  state: "active",
  created_at: ago(90),
  old_secret_until: ago(-20),
};

const WEBHOOKS = [
  WEBHOOK,
  {
    ...WEBHOOK,
    id: "1a".repeat(16),
    url: "https://ci.example.org/",
    task_id: ID,
    state: "paused",
    old_secret_until: null,
  },
  { ...WEBHOOK, id: "2b".repeat(16), url: "https://old.example.org/in", state: "gone", old_secret_until: null },
];

const tries = (...reasons: string[]) =>
  reasons.map((reason, hour) => ({ at: ago(3 - hour / 2), status: null, reason }));
const DELIVERY = {
  message_id: `msg_${ID}`,
  event: "task.completed",
  task_id: "3c".repeat(16),
  created_at: ago(3),
  expires_at: ago(-21),
};

const DELIVERIES = [
  {
    ...DELIVERY,
    id: "a".repeat(32),
    state: "waiting",
    next_try_at: ago(-1),
    tries: tries("answered 500", "no answer within 10 s"),
  },
  { ...DELIVERY, id: "b".repeat(32), state: "waiting", next_try_at: ago(0), tries: [] },
  { ...DELIVERY, id: "c".repeat(32), state: "delivered", next_try_at: null, tries: tries("delivered") },
  {
    ...DELIVERY,
    id: "d".repeat(32),
    state: "expired",
    next_try_at: null,
    tries: tries("the address is not one of the open network"),
  },
];

/** Answers for the platform; the path of the first one's deliveries. */
export async function withWebhooks(page: Page, webhooks: readonly unknown[] = WEBHOOKS): Promise<string> {
  await page.route(/\/api\/webhooks(\?|$)/, (route) => {
    if (route.request().method() !== "GET") return route.fulfill({ status: 201, json: { ...WEBHOOK, secret: SECRET } });
    return route.fulfill({ json: { items: webhooks } });
  });
  await page.route(`**/api/webhooks/${ID}`, (route) => route.fulfill({ json: WEBHOOK }));
  await page.route(/\/deliveries/, (route) => route.fulfill({ json: { items: DELIVERIES, next_cursor: "more" } }));
  return `/admin/webhooks/${ID}`;
}

const SECRET = `whsec_${"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`;
