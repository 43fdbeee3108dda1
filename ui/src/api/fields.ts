/** The one place that knows which fields an older platform leaves out, and what stands in for them. */
import { api, bodyOf, callerHeaders, type Schemas } from "./client";

/** The caller, and what the platform takes and offers. */
export type Me = Schemas["Me"];
export type Role = Me["user"]["roles"][number];

export async function fetchMe(user: string, signal?: AbortSignal): Promise<Me> {
  return bodyOf(await api.GET("/api/me", { headers: callerHeaders(user), signal: signal ?? null }));
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

export type Activity = Schemas["Activity"];

/** The caller's own votes of late; `since` is when their day began. */
export async function fetchActivity(user: string, since: Date): Promise<Activity> {
  const query = { since: since.toISOString() };
  return bodyOf(await api.GET("/api/me/activity", { params: { query }, headers: callerHeaders(user) }));
}

export type Work = Schemas["WorkShown"];

/** The oldest tasks with open images. */
export async function fetchWork(user: string, signal: AbortSignal): Promise<Work[]> {
  return bodyOf(await api.GET("/api/work", { headers: callerHeaders(user), signal })).items;
}

/** What the detector suggests one label for in a task, at least so surely; behind `cursor` where one is known. */
export interface SuggestedRow {
  taskId: string;
  label: string;
  leastSure: number;
  cursor: string | null;
}

/** Asks until the caller holds `count` images of a row, the most sure first; the cursor is null at the row's end. */
export async function leaseRow(
  { taskId, label, leastSure, cursor }: SuggestedRow,
  count: number,
): Promise<{ leases: Lease[]; cursor: string | null }> {
  const order = "confident" as const;
  const body = { count, task_id: taskId, suggested: label, order, min_confidence: leastSure, cursor };
  const answer = bodyOf(await api.POST("/api/leases", { body }));
  return { leases: answer.leases.map(pictured), cursor: answer.next_cursor };
}

/** Takes the caller's counted vote back; the image is leased to the caller anew. */
export async function undoVote(subtaskId: string): Promise<Lease> {
  const path = { subtask_id: subtaskId };
  return pictured(bodyOf(await api.DELETE("/api/subtasks/{subtask_id}/vote", { params: { path } })));
}
