import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Me, Role } from "../api/fields";
import { MeContext } from "./me";
import { useNames } from "./useNames";

const meOf = (auth: "on" | "off", roles: Role[]) =>
  ({ auth, team: "first", user: { id: "p1", roles } }) as unknown as Me;

function Said() {
  const named = useNames();
  return <p>{["p1", "p2", "p9"].map(named).join(" ")}</p>;
}

/** Shows what three ids stand for; returns the addresses that were asked. */
function shown(me: Me): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const query = new URL(request.url).searchParams;
    asked.push(`${new URL(request.url).pathname} ${query.get("cursor") ?? ""}`);
    const isFirst = query.get("cursor") === null;
    const items = [isFirst ? { id: "p1", name: "Ann" } : { id: "p2", name: "Bob" }];
    return new Response(JSON.stringify({ items, next_cursor: isFirst ? "more" : null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MeContext value={me}>
        <Said />
      </MeContext>
    </QueryClientProvider>,
  );
  return asked;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("people are called by their names, and whoever is not in the team by an id", async () => {
  const asked = shown(meOf("on", ["client"]));
  expect(await screen.findByText("Ann Bob p9")).toBeTruthy();
  expect(asked).toEqual(["/api/users/names ", "/api/users/names more"]);
});

test.each([meOf("off", ["client"]), meOf("on", ["operator"])])("nobody else asks for names", async (me) => {
  const asked = shown(me);
  expect(await screen.findByText("p1 p2 p9")).toBeTruthy();
  expect(asked).toEqual([]);
});
