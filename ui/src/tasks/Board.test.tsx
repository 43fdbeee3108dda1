import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import type { Me } from "../api/fields";
import { MeContext } from "../shell/me";
import { tasks } from "../texts/en.tasks";
import Board from "./Board";

const ME = { user: { id: "ann", name: "ann", roles: ["client"] } } as unknown as Me;

/** Shows the board of a platform whose only task is completed; returns the queries that the platform was asked. */
function shown({ isThereAny }: { isThereAny: boolean }): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const query = new URL(request.url).searchParams;
    const isOfAny = query.get("limit") === "1";
    if (!isOfAny) asked.push(["state", "owner", "q"].map((name) => query.get(name) ?? "").join(" "));
    const items = isOfAny && isThereAny ? [{ id: "t" }] : [];
    return new Response(JSON.stringify({ items, next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MeContext value={ME}>
        <Board />
      </MeContext>
    </QueryClientProvider>,
  );
  return asked;
}

afterEach(() => {
  cleanup();
  history.replaceState(null, "", "/");
  vi.unstubAllGlobals();
});

test("tabs and find look through all tasks of the platform", async () => {
  const asked = shown({ isThereAny: true });
  expect(await screen.findByText(tasks.board.noneSuch)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Completed" }));
  await userEvent.click(screen.getByRole("button", { name: "Mine" }));
  await userEvent.type(screen.getByRole("searchbox"), "cat");
  await vi.waitFor(() => expect(asked.at(-1)).toBe("completed me cat"));
  expect(asked[0]).toBe("open,sealed  ");
});

test("where there is no task at all, the first steps are shown", async () => {
  shown({ isThereAny: false });
  expect(await screen.findByText(tasks.board.none)).toBeTruthy();
});
