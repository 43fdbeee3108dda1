// What an answer to a batch means.

import type { FileRow } from "./report";

/** An answer, or null where none came. */
export type Answer = { status: number; retryAfterS: number | null; body: unknown } | null;

export type Judgement =
  | { what: "report"; rows: FileRow[] }
  | { what: "again"; afterS: number; why: string }
  | { what: "pause"; why: string }
  | { what: "refused"; why: string };

const LONGEST_WAIT_S = 30;
const SERVER_ERRORS_BORNE = 5;
/** The caller must act: sign in, choose another task, make room. */
const PAUSING = new Set([401, 403, 404, 409, 410, 507]);
const BUSY = new Set([429, 503]);

export function judged(answer: Answer, tries: number): Judgement {
  const afterS = Math.min(LONGEST_WAIT_S, 2 ** tries);
  if (answer === null) return { what: "again", afterS, why: "No answer from the platform." };
  const why = detailOf(answer.body) ?? `The platform answered with status ${answer.status}.`;
  if (BUSY.has(answer.status)) return { what: "again", afterS: answer.retryAfterS ?? afterS, why };
  if (PAUSING.has(answer.status)) return { what: "pause", why };
  if (answer.status >= 500) {
    return tries < SERVER_ERRORS_BORNE ? { what: "again", afterS, why } : { what: "pause", why };
  }
  const rows = rowsOf(answer.body);
  return rows ? { what: "report", rows } : { what: "refused", why };
}

/** The rows of a report: that of a 200, or of the problem that says why no file was taken. */
function rowsOf(body: unknown): FileRow[] | null {
  if (typeof body !== "object" || body === null || !("images" in body) || !Array.isArray(body.images)) return null;
  return body.images.map(({ filename, status, reason, notes }: FileRow) => ({ filename, status, reason, notes }));
}

function detailOf(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("detail" in body)) return null;
  return typeof body.detail === "string" ? body.detail : null;
}
