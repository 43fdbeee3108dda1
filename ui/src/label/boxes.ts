/** The detector's boxes over a picture, as elements placed in percent of it. */
import type { Lease } from "../api/fields";
import { en } from "../texts/en";
import css from "./stage.module.css";

const MOST = 50;
/** Above this share of the picture's height a caption finds no room over its box. */
const TOP = 0.05;

/** Boxes of what the detector found; nothing where it said nothing, or nothing is known of the image's size. */
export function boxesOf(lease: Lease, width: number, height: number): HTMLElement[] {
  const objects = [...(lease.prelabel?.objects ?? [])].sort((one, other) => other.confidence - one.confidence);
  if (width === 0 || height === 0) return [];
  return objects.slice(0, MOST).map(({ label, confidence, rectangle }, index) => {
    const box = document.createElement("div");
    box.className = `${css.box} ${index > 0 ? css.weak : ""} ${rectangle.top / height < TOP ? css.inside : ""}`;
    box.style.insetInlineStart = share(rectangle.left, width);
    box.style.insetBlockStart = share(rectangle.top, height);
    box.style.inlineSize = share(rectangle.width, width);
    box.style.blockSize = share(rectangle.height, height);
    const caption = document.createElement("span");
    caption.textContent = `${label} ${en.percent(confidence)}`;
    box.append(caption);
    return box;
  });
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(3)}%`;
}
