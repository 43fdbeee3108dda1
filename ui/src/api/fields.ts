/** The one place that knows which fields an older platform leaves out, and what stands in for them. */
import { askedOrFetch } from "./asked";
import { callerHeaders } from "./caller";
import { api, bodyOf, type Schemas } from "./client";
import { type Pictured, pictured } from "./pictured";

/** The caller, and what the platform takes and offers. */
export type Me = Schemas["Me"];
export type Role = Me["user"]["roles"][number];

export async function fetchMe(user: string, signal?: AbortSignal): Promise<Me> {
  const headers = callerHeaders(user);
  return bodyOf(await api.GET("/api/me", { headers, signal: signal ?? null, fetch: askedOrFetch() }));
}

export type Lease = Schemas["LeaseGranted"] & Pictured;

/**
 * Asks until the caller holds `count` leases of one task, or of the oldest with work.
 * `mayBeEarly`: the answer that was asked for early will do, whatever count that named.
 */
export async function lease(
  count: number,
  taskId: string | null,
  mayBeEarly: boolean,
): Promise<{ leases: Lease[]; more: boolean; waitingForOthers: number }> {
  const body = { count, task_id: taskId };
  const answer = bodyOf(
    await api.POST("/api/leases", { body, ...(mayBeEarly && { fetch: askedOrFetch(taskId ?? "") }) }),
  );
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
