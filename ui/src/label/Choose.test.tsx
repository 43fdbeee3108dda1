import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import type { Me, Work } from "../api/fields";
import { MeContext } from "../shell/me";
import Choose from "./Choose";

const work = (task_id: string, more: Partial<Work> = {}): Work => ({
  task_id,
  name: `Task ${task_id}`,
  labels: 3,
  open_for_me: true,
  waiting_for_others: 0,
  has_suggestions: false,
  ...more,
});

function choose(answer: () => Response): { history: string[] } {
  vi.stubGlobal("fetch", () => Promise.resolve(answer()));
  const { hook, history } = memoryLocation({ path: "/label", record: true });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MeContext value={{ user: { id: "ann", name: "ann", roles: [] } } as unknown as Me}>
        <Router hook={hook}>
          <Choose />
        </Router>
      </MeContext>
    </QueryClientProvider>,
  );
  return { history };
}

const told = (...items: Work[]) => choose(() => Response.json({ items }));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("of several tasks a person chooses one, and is told why others can't be", async () => {
  told(
    work("a", { has_suggestions: true }),
    work("b", { name: null, labels: 1 }),
    work("c", { open_for_me: false, waiting_for_others: 14 }),
  );
  const first = await screen.findByRole("link", { name: "Task a" });
  expect(first.getAttribute("href")).toBe("/label/a");
  expect(screen.getByRole("link", { name: "A task without a name" }).getAttribute("href")).toBe("/label/b");
  expect(screen.queryByRole("link", { name: "Task c" })).toBeNull();
  expect(screen.getAllByRole("listitem").map((row) => row.textContent)).toEqual([
    "Task a3 labels the detector suggests",
    "A task without a name1 label",
    "Task c3 labels14 images wait for other people",
  ]);
  expect(screen.getByRole("link", { name: "Whatever is oldest" }).getAttribute("href")).toBe("/label/any");
});

test.each([
  ["one task", () => Response.json({ items: [work("a"), work("b", { open_for_me: false })] })],
  ["no task", () => Response.json({ items: [] })],
  ["a platform that knows no work", () => Response.json({ title: "Not Found", status: 404 }, { status: 404 })],
])("with %s there is nothing to choose", async (_, answer) => {
  const { history } = choose(answer);
  await vi.waitFor(() => expect(history).toEqual(["/label/any"]));
});
