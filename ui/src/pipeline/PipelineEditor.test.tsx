import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../api/client";
import { NO_PIPELINE, type Pipeline } from "./operations";
import { PipelineEditor } from "./PipelineEditor";
import { usePreview } from "./usePreview";

const OPERATIONS: Schemas["Operations"] = {
  max_operations: 2,
  operations: [
    { name: "grayscale", form: "true", arguments: [], makes_several: false },
    { name: "split", form: "true", arguments: [], makes_several: true },
  ],
};
const PICTURE = { width: 4, height: 3, data: btoa("a picture") };

let pipeline: Pipeline;

function Editor({ sample }: { sample: File | null }) {
  const [now, setNow] = useState(NO_PIPELINE);
  pipeline = now;
  const preview = usePreview(now.steps, sample);
  return (
    <PipelineEditor
      operations={OPERATIONS}
      pipeline={now}
      change={setNow}
      sample={{ file: sample, take: () => undefined }}
      preview={preview}
      wrong={new Map()}
    />
  );
}

async function begin(sample: File | null, ...steps: string[]) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Editor sample={sample} />
    </QueryClientProvider>,
  );
  const user = userEvent.setup();
  for (const step of steps) {
    await user.click(screen.getByRole("button", { name: "Add a step" }));
    await user.click(screen.getByRole("menuitem", { name: step, hidden: true }));
  }
  return user;
}

const names = () => pipeline.steps.map(({ operation }) => operation.name);

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("steps are added up to the most, moved by Alt and an arrow, and removed", async () => {
  HTMLElement.prototype.hidePopover = () => undefined;
  const user = await begin(null, "Grayscale", "Split into quarters");
  expect(names()).toEqual(["grayscale", "split"]);
  expect(screen.queryByRole("button", { name: "Add a step" })).toBeNull();
  expect(screen.getByText("A pipeline has at most 2 steps.")).toBeTruthy();
  screen.getByRole("listitem", { name: "Step 2: Split into quarters" }).focus();
  await user.keyboard("{Alt>}{ArrowUp}{ArrowUp}{/Alt}");
  expect(names()).toEqual(["split", "grayscale"]);
  await user.click(screen.getByRole("button", { name: "Remove Split into quarters" }));
  expect(names()).toEqual(["grayscale"]);
});

it("each step shows what it makes of the sample, or why it cannot", async () => {
  HTMLElement.prototype.hidePopover = () => undefined;
  const answer = {
    steps: [
      { count: 4, images: [PICTURE, PICTURE], error: null },
      { count: 0, images: [], error: "too large" },
    ],
  };
  const asked = vi.fn(async (_path: string, _request: RequestInit) => Response.json(answer));
  vi.stubGlobal("fetch", asked);
  await begin(new File(["bytes"], "a.jpg"), "Split into quarters", "Grayscale");
  const first = within(screen.getByRole("listitem", { name: "Step 1: Split into quarters" }));
  expect(await first.findByText("4 images")).toBeTruthy();
  expect(first.getAllByRole("img")).toHaveLength(2);
  expect(first.getByText("+2")).toBeTruthy();
  const second = within(screen.getByRole("listitem", { name: "Step 2: Grayscale" }));
  expect((await second.findByRole("alert")).textContent).toContain("too large");
  const form = asked.mock.lastCall?.[1].body as FormData;
  expect(JSON.parse(String(form.get("operations")))).toEqual([
    ["split", true],
    ["grayscale", true],
  ]);
});
