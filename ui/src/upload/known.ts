// Which files a task has already: it is told their hashes, so that their bytes need not be sent again.

import { ApiProblem, api, bodyOf } from "../api/client";
import { MOST_BYTES } from "./batches";
import type { Opened, Ports } from "./queue";

export const askKnown: Ports["known"] = async (task, batch, signal) => {
  const hashes: (string | null)[] = [];
  for (const { file } of batch) {
    signal.throwIfAborted();
    hashes.push(await hashOf(file));
  }
  const sha256 = [...new Set(hashes.filter((hash) => hash !== null))];
  if (sha256.length === 0) return batch.map(() => false);
  try {
    const params = { path: { task_id: task } };
    const answer = await api.POST("/api/tasks/{task_id}/images/known", { params, body: { sha256 }, signal });
    const known = new Set(bodyOf(answer).known.map((one) => one.sha256));
    return hashes.map((hash) => hash !== null && known.has(hash));
  } catch (error) {
    if (error instanceof ApiProblem) return batch.map(() => false);
    throw error;
  }
};

/** The hash of a file that may be read whole into memory; null for a larger one, and where the browser has no hashes. */
async function hashOf(file: Opened["file"]): Promise<string | null> {
  // Pages served over plain HTTP from another machine have no `subtle`.
  if (file.size > MOST_BYTES || !crypto.subtle) return null;
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null; // the file is gone: sending it will say so
  }
}
