/** Pictures of leased images, fetched and decoded before they are needed. */
import type { Lease } from "../api/fields";

const DECODED_AHEAD = 6;
/** Decoded pictures take four bytes a pixel. */
const PIXELS_AHEAD = 60_000_000;
const PIXELS_GUESSED = 2_000_000;
/** The browser may throw away what it decoded; after this long it is asked to decode again. */
const FRESH_MS = 30_000;

export interface Picture {
  readonly element: HTMLImageElement;
  state: "loading" | "ready" | "broken";
  decodedAt: number;
  /** Ends when the state is no longer `loading`. */
  readonly done: Promise<void>;
}

export class Pictures {
  readonly #pictures = new Map<string, Picture>();

  /** The picture of an image; its bytes are asked for if they were not yet. */
  of(lease: Lease, priority: "high" | "low" = "high"): Picture {
    const known = this.#pictures.get(lease.subtask_id);
    if (known) return known;
    const picture = load(lease, priority);
    this.#pictures.set(lease.subtask_id, picture);
    return picture;
  }

  /** Fetches these images, decodes the first of them, and forgets all others. */
  keep(leases: readonly Lease[]): void {
    const wanted = new Set(leases.map((lease) => lease.subtask_id));
    for (const id of this.#pictures.keys()) if (!wanted.has(id)) this.#pictures.delete(id);
    let pixels = 0;
    leases.forEach((lease, index) => {
      const picture = this.of(lease, index < 3 ? "high" : "low");
      pixels += pixelsOf(picture.element);
      if (index <= DECODED_AHEAD && pixels <= PIXELS_AHEAD) refresh(picture);
    });
  }
}

/** Whether the bytes are here, as those of the first picture can be: it is then painted as soon as it is decoded. */
export function isThere({ element }: Picture): boolean {
  return element.complete && element.naturalWidth > 0;
}

function pixelsOf(element: HTMLImageElement): number {
  return element.naturalWidth * element.naturalHeight || PIXELS_GUESSED;
}

function load(lease: Lease, priority: "high" | "low"): Picture {
  const element = new Image();
  element.decoding = "sync"; // a picture that is put into the page is painted in that frame
  element.fetchPriority = priority;
  element.draggable = false;
  element.dataset.id = lease.subtask_id;
  const picture: Picture = { element, state: "loading", decodedAt: 0, done: decodeTwice() };
  return picture;

  async function decodeTwice(): Promise<void> {
    element.src = lease.screen_url;
    await decode().catch(() => {
      element.src = "";
      element.src = lease.screen_url;
      return decode().catch(() => {
        picture.state = "broken";
      });
    });
  }

  async function decode(): Promise<void> {
    await element.decode();
    picture.state = "ready";
    picture.decodedAt = performance.now();
  }
}

function refresh(picture: Picture): void {
  if (picture.state !== "ready" || performance.now() - picture.decodedAt < FRESH_MS) return;
  picture.decodedAt = performance.now();
  picture.element.decode().catch(() => undefined); // it is still shown; the browser then decodes as it paints
}
