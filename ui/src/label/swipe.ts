/** A finger that goes sideways over the picture votes for one of two labels. Pure. */

/** Below this way a finger may still mean anything. */
const UNDECIDED_PX = 12;
/** The share of the stage's width that a finger has to go. */
const FAR_ENOUGH = 0.25;

interface Point {
  clientX: number;
  clientY: number;
}

export interface Swipe {
  from: Point;
  /** A finger that went up or down first, or far up or down later, means something else until it is lifted. */
  phase: "undecided" | "sideways" | "cancelled";
  /** How far to the right. */
  dx: number;
}

export function begun({ clientX, clientY }: Point): Swipe {
  return { from: { clientX, clientY }, phase: "undecided", dx: 0 };
}

export function followed(swipe: Swipe, { clientX, clientY }: Point): Swipe {
  if (swipe.phase === "cancelled") return swipe;
  const dx = clientX - swipe.from.clientX;
  const [across, along] = [Math.abs(dx), Math.abs(clientY - swipe.from.clientY)];
  if (along > UNDECIDED_PX && along > across) return { ...swipe, phase: "cancelled", dx: 0 };
  const isSideways = swipe.phase === "sideways" || across > UNDECIDED_PX;
  return { ...swipe, phase: isSideways ? "sideways" : "undecided", dx: isSideways ? dx : 0 };
}

/** -1 is far enough to the left, 1 to the right. */
export function reach({ dx }: Swipe, width: number): number {
  return Math.min(Math.max(dx / Math.max(width * FAR_ENOUGH, 1), -1), 1);
}
