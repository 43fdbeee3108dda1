import { afterEach, expect, it, vi } from "vitest";
import { MOST_BYTES } from "./batches";
import { askKnown } from "./known";

const opened = (text: string) => ({ path: text, file: new File([text], text) });
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const never = new AbortController().signal;

function answering(answer: () => Response): unknown[] {
  const asked: unknown[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(await request.json());
    return answer();
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

it("files are asked for by their hashes, each hash once", async () => {
  const asked = answering(() => new Response(JSON.stringify({ known: [{ sha256: A, image_id: "1" }] })));
  expect(await askKnown("t", [opened("a"), opened(""), opened("a")], never)).toEqual([true, false, true]);
  expect(asked).toEqual([{ sha256: [A, EMPTY] }]);
});

it("a refusal means that nothing is known", async () => {
  answering(() => new Response("{}", { status: 503 }));
  expect(await askKnown("t", [opened("a")], never)).toEqual([false]);
});

it("a file that is too large to be held is not asked for", async () => {
  const asked = answering(() => new Response("{}"));
  const large = { size: MOST_BYTES + 1, arrayBuffer: () => Promise.reject(new Error("read")) } as unknown as File;
  expect(await askKnown("t", [{ path: "large.zip", file: large }], never)).toEqual([false]);
  expect(asked).toEqual([]);
});

it("stops between two files", async () => {
  const stop = new AbortController();
  stop.abort();
  await expect(askKnown("t", [opened("a")], stop.signal)).rejects.toThrow();
});
