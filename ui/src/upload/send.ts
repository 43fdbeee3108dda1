// One batch over the wire: XMLHttpRequest, for only it tells how far an upload is.

import { asSignedIn } from "../shell/session";
import type { Answer } from "./judge";
import type { Ports } from "./queue";

/** Sends the files of a batch to the address that takes them. */
export function sender(headers: () => Record<string, string>, addressOf: (task: string) => string): Ports["send"] {
  return (task, batch, sent, signal) =>
    new Promise<Answer>((resolve, reject) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      for (const { path, file } of batch) form.append("images", file, path);
      const stop = () => request.abort();
      request.open("POST", addressOf(task));
      for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => sent(loaded);
      request.onload = () => resolve(answerOf(request));
      request.onerror = () => resolve(null);
      request.onabort = () => reject(signal.reason);
      request.onloadend = () => signal.removeEventListener("abort", stop);
      signal.addEventListener("abort", stop);
      request.send(form);
    });
}

/** A session goes on as long as its upload. */
export function signedIn(send: Ports["send"]): Ports["send"] {
  return (...batch) =>
    asSignedIn(
      () => send(...batch),
      (answer) => answer?.status === 401,
    );
}

function answerOf(request: XMLHttpRequest): Answer {
  const retryAfter = Number(request.getResponseHeader("Retry-After") ?? Number.NaN);
  return {
    status: request.status,
    retryAfterS: Number.isFinite(retryAfter) ? retryAfter : null,
    body: parsed(request.responseText),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Waits with jitter, so that many pages do not come back at once. */
export function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000 * (1 + Math.random() / 4));
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
