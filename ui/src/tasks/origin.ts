// Where on an uploaded picture a derived image lies.
import type { Schemas } from "../api/client";

export type Origin = Schemas["OriginShown"];

export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The place of a derived image of this size, in pixels of the uploaded picture; pipelines turn and scale, but never shear. */
export function placeOf({ affine }: Origin, width: number, height: number): Rectangle {
  const [a = 1, b = 0, tx = 0, c = 0, d = 1, ty = 0] = affine;
  const xs = [tx, a * width + b * height + tx];
  const ys = [ty, c * width + d * height + ty];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** By how much it was turned, clockwise. */
export function turnOf({ affine: [a = 1, b = 0] }: Origin): 0 | 90 | 180 | 270 {
  if (Math.abs(a) > Math.abs(b)) return a > 0 ? 0 : 180;
  return b > 0 ? 90 : 270;
}
