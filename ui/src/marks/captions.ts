/** Where the captions of boxes stand so that they can be read: within the picture, and none on another. Pure. */

/** A box with its text, in pixels of the screen from the picture's corner. */
export interface Captioned {
  text: string;
  left: number;
  top: number;
  height: number;
}

/** The corner of a caption, and its width. */
export interface Spot {
  x: number;
  y: number;
  width: number;
}

export const LINE_PX = 20;
const LETTER_PX = 7;
const EDGES_PX = 12;

/**
 * A spot for each caption, of which those that come first choose first: over its box, else in its upper corner, else in
 * its lower one, else below it. Null where all of these are taken.
 */
export function spotsFor(boxes: readonly Captioned[], room: { width: number; height: number }): (Spot | null)[] {
  const taken: Spot[] = [];
  return boxes.map(({ text, left, top, height }) => {
    const width = Math.min(EDGES_PX + LETTER_PX * text.length, room.width);
    const x = Math.max(Math.min(left, room.width - width), 0);
    const spot = [top - LINE_PX, top, top + height - LINE_PX, top + height]
      .filter((y) => y >= 0 && y + LINE_PX <= room.height)
      .map((y) => ({ x, y, width }))
      .find((one) => !taken.some((other) => areOneOnAnother(one, other)));
    if (!spot) return null;
    taken.push(spot);
    return spot;
  });
}

function areOneOnAnother(one: Spot, other: Spot): boolean {
  const apart = one.x < other.x ? other.x - one.x >= one.width : one.x - other.x >= other.width;
  return !apart && Math.abs(one.y - other.y) < LINE_PX;
}
