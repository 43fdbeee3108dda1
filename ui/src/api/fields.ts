/** The one place that knows which fields an older platform leaves out, and what stands in for them. */
import { ApiProblem, api, bodyOf, callerHeaders, problemOf, type Schemas } from "./client";

export type Role = "client" | "operator" | "adjudicator" | "admin";

/** The caller, and what the platform takes and offers. */
export interface Me {
  user: { id: string; name: string; roles: readonly Role[] };
  auth: "off" | "on";
  lease_s: number;
  limits: { max_image_bytes: number; max_labels: number };
  exports: readonly string[];
  detector: boolean;
  disputes_open: number;
  version: string;
}

const EVERY_ROLE: readonly Role[] = ["client", "operator", "adjudicator", "admin"];

function meWithout(user: string): Me {
  return {
    user: { id: user, name: user, roles: EVERY_ROLE },
    auth: "off",
    lease_s: 300,
    limits: { max_image_bytes: 64 * 1024 * 1024, max_labels: 1000 },
    exports: ["jsonl", "csv"],
    detector: true,
    disputes_open: 0,
    version: "",
  };
}

/** Who the caller is: `GET /api/me`, or all roles where the platform has no such route yet. */
export async function fetchMe(user: string, signal?: AbortSignal): Promise<Me> {
  let response: Response;
  try {
    response = await fetch("/api/me", { headers: callerHeaders(user), signal: signal ?? null });
  } catch (error) {
    throw error instanceof TypeError ? new ApiProblem(0, { title: "No connection", detail: error.message }) : error;
  }
  if (response.status === 404) return meWithout(user);
  if (!response.ok) throw await problemOf(response);
  const answered = (await response.json()) as Partial<Me>;
  return { ...meWithout(user), ...answered };
}

export interface Pictured {
  image_url: string;
  thumbnail_url: string;
  /** A smaller rendition to judge by; the original itself where that is small enough. */
  screen_url: string;
  width: number | null;
  height: number | null;
  filename: string | null;
}

type MaybePictured = { image_url: string } & { [F in keyof Pictured]?: Pictured[F] | null };

/** The renditions of an image, each falling back to the original. */
export function pictured<T extends MaybePictured>(shown: T): T & Pictured {
  return {
    ...shown,
    thumbnail_url: shown.thumbnail_url ?? shown.image_url,
    screen_url: shown.screen_url ?? shown.image_url,
    width: shown.width ?? null,
    height: shown.height ?? null,
    filename: shown.filename ?? null,
  };
}

export type Lease = Schemas["LeaseGranted"] & Pictured;

/** Asks until the caller holds `count` leases of one task, or of the oldest with work. */
export async function lease(
  count: number,
  taskId: string | null,
): Promise<{ leases: Lease[]; more: boolean; waitingForOthers: number }> {
  const answer = bodyOf(await api.POST("/api/leases", { body: { count, task_id: taskId } }));
  return { leases: answer.leases.map(pictured), more: answer.more, waitingForOthers: answer.waiting_for_others };
}

/** Takes the caller's counted vote back; the image is leased to the caller anew. */
export async function undoVote(subtaskId: string): Promise<Lease> {
  const path = { subtask_id: subtaskId };
  return pictured(bodyOf(await api.DELETE("/api/subtasks/{subtask_id}/vote", { params: { path } })));
}
