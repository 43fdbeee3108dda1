import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { erasing as texts } from "../texts/en.erasing";
import { Erase, Erasures } from "./Erasing";

const BEN = { id: "p2", name: "Ben Okoro" };
const HALF = {
  pseudonym: "erased-00000001",
  erased_at: "2026-01-01T00:00:00Z",
  done: { accounts: "2026-01-01T00:00:01Z", task_manager: null, subtask_manager: null },
};

/** Shows something on a platform with these erasures; returns the bodies that it was sent. */
function shown(what: React.ReactNode, items: unknown[]): unknown[] {
  const sent: unknown[] = [];
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  vi.stubGlobal("fetch", async (request: Request) => {
    if (request.method === "POST") sent.push(await request.json());
    return Response.json({ items });
  });
  render(<QueryClientProvider client={new QueryClient()}>{what}</QueryClientProvider>);
  return sent;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("a person is erased by their name alone, and what goes and stays is said before", async () => {
  const close = vi.fn();
  const sent = shown(<Erase person={BEN} done={() => {}} close={close} />, []);
  expect(screen.getAllByRole("listitem").map((point) => point.textContent)).toEqual(texts.outcome(BEN.name));
  const name = screen.getByLabelText(texts.typeName);
  for (const typed of ["", "ben", "Ben"]) {
    await userEvent.clear(name);
    if (typed) await userEvent.type(name, typed);
    await userEvent.click(screen.getByRole("button", { name: texts.go }));
    expect((await screen.findByRole("alert")).textContent).toBe(texts.otherName(BEN.name));
  }
  expect(sent).toEqual([]);
  await userEvent.clear(name);
  await userEvent.type(name, " Ben Okoro{Enter}");
  await vi.waitFor(() => expect(close).toHaveBeenCalled());
  expect(sent).toEqual([{ person: "p2" }]);
});

test("each service shows whether it has put the pseudonym in place", async () => {
  shown(<Erasures />, [HALF]);
  await screen.findByRole("rowheader", { name: HALF.pseudonym });
  expect(screen.getAllByRole("columnheader").map((head) => head.textContent)).toEqual([
    texts.pseudonym,
    texts.at,
    "Accounts",
    "Tasks",
    "Votes",
  ]);
  expect(screen.getAllByText(texts.underWay)).toHaveLength(2);
  expect(screen.getByRole("status").textContent).toBe(texts.summary(1));
});

test("where nobody was erased there is nothing of it", async () => {
  shown(<Erasures />, []);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(screen.queryByRole("heading")).toBeNull();
});
