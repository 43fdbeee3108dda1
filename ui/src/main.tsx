import "./tokens.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiProblem } from "./api/client";
import { App } from "./shell/App";
import { Crash } from "./shell/Crash";
import { meQuery } from "./shell/me";
import { who } from "./shell/who";
import "./label/onlyOutbox"; // votes that an earlier page left are sent, whichever page this one opens

const RETRIES = 3;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always", // the platform may be on this very machine, whatever the browser thinks of its network
      retry: (failures, error) => {
        const isPassing = !(error instanceof ApiProblem) || error.isUnreachable || error.status >= 500;
        return isPassing && failures < RETRIES;
      },
    },
  },
});

if (who.get() !== "") void queries.prefetchQuery(meQuery(who.get())); // asked for before the first drawing, not after

const root = document.getElementById("root");
if (root) {
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
