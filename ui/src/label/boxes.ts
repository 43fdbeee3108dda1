/** The detector's boxes over a picture and their captions, as elements placed in percent of it. */
import type { Lease } from "../api/fields";
import { LINE_PX, spotsFor } from "../marks/captions";
import { en } from "../texts/en";
import css from "./stage.module.css";

const MOST = 50;

/** The size of the original, which the detector's boxes are given in, and how many pixels of the screen one of it takes. */
export interface Measure {
  width: number;
  height: number;
  scale: number;
}

/** Boxes of what the detector found, the surest first; nothing where it said nothing, or the size is not known. */
export function boxesOf(lease: Lease, { width, height, scale }: Measure): HTMLElement[] {
  const room = { width: width * scale, height: height * scale };
  if (!(room.width > 0 && room.height > 0)) return [];
  const objects = (lease.prelabel?.objects ?? [])
    .toSorted((one, other) => other.confidence - one.confidence)
    .slice(0, MOST)
    .map(({ label, confidence, rectangle }) => ({
      text: `${label} ${en.percent(confidence)}`,
      left: rectangle.left * scale,
      top: rectangle.top * scale,
      width: rectangle.width * scale,
      height: rectangle.height * scale,
    }));
  const boxes = objects.map((object, index) => {
    const box = document.createElement("div");
    box.className = `${css.box} ${index > 0 ? css.weak : ""}`;
    box.style.insetInlineStart = share(object.left, room.width);
    box.style.insetBlockStart = share(object.top, room.height);
    box.style.inlineSize = share(object.width, room.width);
    box.style.blockSize = share(object.height, room.height);
    return box;
  });
  const captions = spotsFor(objects, room).flatMap((spot, index) => {
    const { text, top } = objects[index] ?? { text: "", top: 0 };
    if (!spot) return [];
    const caption = document.createElement("span");
    caption.textContent = text;
    caption.className = css.caption ?? "";
    caption.style.insetInlineStart = share(spot.x, room.width);
    caption.style.maxInlineSize = share(spot.width, room.width);
    // Under zoom a caption keeps its size, and the edge that is at its box.
    if (spot.y < top) caption.style.insetBlockEnd = share(room.height - spot.y - LINE_PX, room.height);
    else caption.style.insetBlockStart = share(spot.y, room.height);
    caption.toggleAttribute("data-over", spot.y < top);
    return [caption];
  });
  return [...boxes, ...captions];
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(3)}%`;
}
