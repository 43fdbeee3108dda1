import "./tokens.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiProblem } from "./api/client";
import { App } from "./shell/App";
import { Crash } from "./shell/Crash";
import { meQuery } from "./shell/me";
import { PATIENCE_MS } from "./shell/States";
import { askSession, isTold, keepAlive } from "./shell/session";
import { who } from "./shell/who";
import "./label/onlyOutbox"; // votes that an earlier page left are sent, whichever page this one opens

const RETRIES = 3;
const TOO_OFTEN = 429;
const LONGEST_WAIT_S = 30;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always", // the platform may be on this very machine, whatever the browser thinks of its network
      retry: (failures, error) => {
        const isPassing = !(error instanceof ApiProblem) || error.isUnreachable || error.status >= 500;
        return (isPassing || error.status === TOO_OFTEN) && failures < RETRIES;
      },
      retryDelay: (failures, error) => {
        const told = error instanceof ApiProblem ? error.retryAfterSeconds : null;
        return 1000 * Math.min(told ?? 2 ** failures, LONGEST_WAIT_S);
      },
    },
  },
});

const root = document.getElementById("root");
const isSessionKnown = isTold.get() ? Promise.resolve() : askSession();
const isMeKnown = who.get() === "" ? isSessionKnown : queries.prefetchQuery(meQuery(who.get()));
const isLate = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
keepAlive();
void Promise.race([isMeKnown, isLate]).then(draw); // until it is late there is nothing to draw without the answer

function draw(): void {
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <QueryClientProvider client={queries}>
          <App />
        </QueryClientProvider>
      </Crash>
    </StrictMode>,
  );
}
