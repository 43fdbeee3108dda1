/** Leases: asked for ahead of need, renewed while somebody works, given back at the end. */
import { callerHeaders } from "../api/caller";
import { api, bodyOf, serverNow } from "../api/client";
import { type Lease, lease } from "../api/fields";
import { MOST_AHEAD } from "../shell/prefs";
import { noteLeaving } from "./left";
import { isPassing, type Renewal } from "./queue";

const SECONDS_AHEAD = 10;

/** How many images to hold at this many votes a second. */
export function wanted(votesPerSecond: number, fewest: number): number {
  return Math.min(Math.max(Math.ceil(votesPerSecond * SECONDS_AHEAD), fewest), MOST_AHEAD);
}

/** Votes a second over the last votes, of which these are the moments. */
export function pace(moments: readonly number[], now: number): number {
  const [first] = moments;
  return first === undefined || moments.length < 2 ? 0 : (moments.length - 1) / Math.max((now - first) / 1000, 1);
}

export const lookFor = lease;

/** Renews leases; those that are lost come back without an end. */
export async function renew(held: readonly Lease[]): Promise<Renewal[]> {
  const leases = held.map(({ subtask_id, token }) => ({ subtask_id, token }));
  const { outcomes } = bodyOf(await api.POST("/api/leases/renew", { body: { leases } }));
  return outcomes
    .filter(({ status }) => !isPassing(status))
    .map(({ subtask_id, expires_at }) => ({ subtask_id, expires_at }));
}

/** Gives an image back; `isSkip` keeps it from coming again soon. */
export async function giveBack({ subtask_id, token }: Lease, isSkip: boolean): Promise<void> {
  const params = { path: { subtask_id }, query: { token, skip: isSkip } };
  await api.DELETE("/api/leases/{subtask_id}", { params });
}

/** Gives images back while the page goes away; the requests outlive it, and cost no lease that is granted meanwhile. */
export function giveBackAtEnd(user: string, held: readonly Lease[]): void {
  if (held.length > 0) noteLeaving();
  for (const { subtask_id, token } of held)
    void fetch(`/api/leases/${encodeURIComponent(subtask_id)}?token=${encodeURIComponent(token)}`, {
      method: "DELETE",
      headers: callerHeaders(user),
      keepalive: true,
    }).catch(() => undefined); // a lease that is not given back ends by itself
}

/** Milliseconds until the first of these leases ends, by the platform's clock. */
export function timeLeft(held: readonly Lease[]): number | null {
  if (held.length === 0) return null;
  return Math.max(Math.min(...held.map((one) => Date.parse(one.expires_at))) - serverNow(), 0);
}
