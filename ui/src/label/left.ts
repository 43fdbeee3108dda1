/** When a page of this browser last gave images back. */
import { kept } from "../shell/store";

/** Until then such requests may still be under way; who asks meanwhile is granted leases that they end. */
const UNDER_WAY_MS = 5_000;

const left = kept("quorate.left", (stored) => (typeof stored === "number" ? stored : 0));

export function noteLeaving(): void {
  left.set(Date.now());
}

export function hasJustLeft(): boolean {
  return Math.abs(Date.now() - left.get()) < UNDER_WAY_MS;
}
