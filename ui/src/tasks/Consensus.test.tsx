import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { saidOf } from "../admin/OperatorsReport";
import type { Me } from "../api/fields";
import { MeContext } from "../shell/me";
import { operatorsReport, consensus as texts } from "../texts/en.consensus";
import Consensus, { mostOf } from "./Consensus";
import type { Task } from "./streams";

const ME = { user: { id: "ann", name: "ann", roles: ["admin"] } } as unknown as Me;
const TASK = { id: "t".repeat(32), label_names: { cat: "Cat" } } as unknown as Task;
const DIFFERING = [
  { method: "majority", differing: 0, compared: 4, share: 0 },
  { method: "ds", differing: 2, compared: 4, share: 0.5 },
];
const RUN = {
  id: "r".repeat(32),
  task_id: TASK.id,
  state: "finished",
  methods: ["majority", "ds"],
  asked_by: "ann",
  asked_at: "2026-01-01T00:00:00Z",
  stage: null,
  ended_at: "2026-01-01T00:00:01Z",
  why: null,
  images: 4,
  votes: 12,
  voters: 3,
  differing: DIFFERING,
  disputes: [] as object[],
};
const SUMMARY = {
  agreement: { alpha: 0.5, kappa: null, why_no_kappa: "why", votes_per_image: [] },
  left_out_methods: [],
  methods: DIFFERING.map((one) => ({ ...one, labels: 4, ties: 0, has_settled: true })),
};
const FOUND = { label: "cat", posterior: 0.9 };
const ITEMS: Record<string, object[]> = {
  results: [{ image_id: "i1", label: "dog", revision: 1, methods: { ds: FOUND }, differs: ["ds"] }],
  voters: [{ voter: "ben", votes: 4, alike: 3, compared: 4, skill: { majority: 0.8, ds: 0.7 } }],
};

/** Shows the tab on a platform with these runs; returns what it was sent. */
function shown(runs: object[]): object[] {
  const sent: object[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const last = new URL(request.url).pathname.split("/").at(-1) ?? "";
    if (request.method === "POST") {
      sent.push({ [last]: await request.json() });
      return Response.json(RUN);
    }
    if (last === "consensus") return Response.json({ items: runs });
    const items = ITEMS[last];
    return Response.json(items ? { items, next_cursor: null } : { ...RUN, summary: SUMMARY });
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MeContext value={ME}>
        <Consensus task={TASK} />
      </MeContext>
    </QueryClientProvider>,
  );
  return sent;
}

afterEach(() => {
  cleanup();
  history.replaceState(null, "", "/");
  vi.unstubAllGlobals();
});

test("estimates are asked for by the methods that are chosen", async () => {
  const sent = shown([]);
  expect(await screen.findByText(texts.none)).toBeTruthy();
  await userEvent.click(screen.getByLabelText(texts.method.glad));
  await userEvent.click(screen.getByLabelText(texts.method.mace));
  await userEvent.click(screen.getByRole("button", { name: texts.ask }));
  await vi.waitFor(() =>
    expect(sent).toEqual([{ consensus: { task_id: TASK.id, methods: ["majority", "ds", "glad"] } }]),
  );
});

test("methods stand side by side, and what one doubts is shown and sent by one click", async () => {
  const sent = shown([RUN]);
  const methods = await screen.findByRole("region", { name: texts.byMethod });
  expect(within(methods).getByText(texts.differing(2, 4))).toBeTruthy();
  expect(await screen.findByText(texts.says("Cat", 0.9))).toBeTruthy();
  expect(screen.getByText(texts.record("dog"))).toBeTruthy();
  expect(await screen.findByText("ben")).toBeTruthy();
  const none = within(methods).getByRole("button", { name: texts.send(0) });
  expect((none as HTMLButtonElement).disabled).toBe(true);
  await userEvent.click(within(methods).getByRole("button", { name: texts.send(2) }));
  await vi.waitFor(() => expect(sent).toEqual([{ dispute: { method: "ds" } }]));
});

test("what was sent cannot be sent again, and a failed run says why", async () => {
  const disputes = [{ method: "ds", by: "ann", at: "a", sent: 2, done_at: "b" }];
  const failed = { ...RUN, id: "f".repeat(32), state: "failed", why: "it took too long", differing: [] };
  shown([{ ...RUN, disputes }, failed]);
  expect(await screen.findByText(texts.sent(2))).toBeTruthy();
  expect(screen.queryByRole("button", { name: texts.send(2) })).toBeNull();
  expect(screen.getByText("it took too long")).toBeTruthy();
});

test("the largest difference of a run stands in its line", () => {
  expect(mostOf(RUN as never)).toBe("50%");
  expect(mostOf({ differing: [] })).toBe("");
});

test("what is said of the counting of operators' votes", () => {
  const never = { as_of: null, state: null, why: null, images: 0, votes: 0, pairs: [], items: [], next_cursor: null };
  expect(saidOf(never)).toBe(operatorsReport.never);
  expect(saidOf({ ...never, state: "running" })).toBe(operatorsReport.counting);
  expect(saidOf({ ...never, state: "failed", why: "so" })).toBe(operatorsReport.failed("so"));
});
