/** The picture on screen: one element whose decoded image is exchanged at once; zoom, pan, boxes. */
import type { Lease } from "../api/fields";
import { type Store, store } from "../shell/store";
import { label as texts } from "../texts/en.label";
import { boxesOf, type Measure } from "./boxes";
import { isThere, type Picture, Pictures } from "./pictures";
import css from "./stage.module.css";
import { begun, followed, reach, type Swipe } from "./swipe";

const MOST_ZOOM = 16;
const STEP = 1.4;
const PAN_STEP = 80;
/** Small pictures are enlarged to fill the stage, but not until they are only blocks. */
const MOST_ENLARGED = 4;

export interface Shown {
  picture: "none" | "loading" | "ready" | "broken";
  /** 1 is the whole picture. */
  zoom: number;
  width: number;
  height: number;
}

const NOTHING: Shown = { picture: "none", zoom: 1, width: 0, height: 0 };

export class Stage {
  readonly shown: Store<Shown> = store(NOTHING);
  /** How far a finger has gone sideways: -1 is far enough to the left, 1 to the right. */
  readonly reached: Store<number> = store(0);
  /** Hears the label that a finger voted for. */
  onSwipe: (label: string) => void = () => undefined;
  readonly #host: HTMLElement;
  readonly #frame = document.createElement("div");
  readonly #boxes = document.createElement("div");
  readonly #pictures = new Pictures();
  readonly #sized: ResizeObserver;
  /** The size of the host: remembered, for to ask a document that was just changed is to lay it out at once. */
  #room = { width: 0, height: 0 };
  #lease: Lease | null = null;
  #next: readonly Lease[] = [];
  #swipe: Swipe | null = null;
  #zoom = 1;
  #x = 0;
  #y = 0;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#frame.className = css.frame ?? "";
    this.#boxes.className = css.boxes ?? "";
    this.#boxes.ariaHidden = "true"; // the live region and the rail say what the detector suggests
    host.replaceChildren(this.#frame);
    this.#sized = new ResizeObserver(([host]) => {
      if (host) this.#room = host.contentRect;
      this.#place();
      this.#draw();
    });
    this.#sized.observe(host);
    for (const [kind, heard] of this.#gestures())
      host.addEventListener(kind, heard as EventListener, { passive: false });
  }

  close(): void {
    this.#sized.disconnect();
    this.#host.replaceChildren();
  }

  /** Puts an image on screen: in this very task if it is decoded. */
  show(lease: Lease | null): void {
    if (lease?.subtask_id === this.#lease?.subtask_id) return;
    this.#lease = lease;
    this.#fit();
    if (!lease) {
      this.#frame.replaceChildren();
      this.shown.set(NOTHING);
      return;
    }
    const picture = this.#pictures.of(lease);
    const isShown = picture.state !== "loading" || isThere(picture);
    if (isShown) this.#put(picture);
    else {
      this.#frame.replaceChildren();
      this.shown.set({ ...NOTHING, picture: "loading" });
    }
    if (picture.state !== "loading") return;
    void picture.done.then(() => {
      if (this.#lease !== lease) return;
      if (!isShown || picture.state === "broken") this.#put(picture);
      this.#pictures.keep(this.#next);
    });
  }

  /** The images that come next, nearest first; they are asked for once the one on screen is there. */
  prepare(leases: readonly Lease[]): void {
    this.#next = leases;
    if (!this.#lease || this.#pictures.of(this.#lease).state !== "loading") this.#pictures.keep(leases);
  }

  #put(picture: Picture): void {
    if (picture.state === "broken") {
      this.#frame.replaceChildren();
      this.shown.set({ ...NOTHING, picture: "broken" });
      return;
    }
    const { element } = picture;
    element.alt = texts.imageToLabel;
    this.#frame.replaceChildren(element, this.#boxes);
    this.#place();
    this.#draw();
  }

  /** Draws the boxes; their captions stand as the room for the picture lets them. */
  #draw(): void {
    const element = this.#frame.querySelector("img");
    if (element && this.#lease)
      this.#boxes.replaceChildren(...boxesOf(this.#lease, this.#measure(this.#lease, element)));
  }

  #measure(lease: Lease, element: HTMLImageElement): Measure {
    const width = lease.width ?? element.naturalWidth;
    const height = lease.height ?? element.naturalHeight;
    const scale = Math.min(this.#room.width / width, this.#room.height / height, MOST_ENLARGED);
    return { width, height, scale };
  }

  showBoxes(isShown: boolean): void {
    this.#boxes.hidden = !isShown;
  }

  zoom(direction: 1 | -1): void {
    const { left, top, width, height } = this.#host.getBoundingClientRect();
    this.#zoomAt(STEP ** direction, left + width / 2, top + height / 2);
  }

  fit(): void {
    this.#fit();
    this.#place();
  }

  pan(x: number, y: number): void {
    this.#x += x * PAN_STEP;
    this.#y += y * PAN_STEP;
    this.#place();
  }

  #fit(): void {
    this.#zoom = 1;
    this.#x = 0;
    this.#y = 0;
  }

  /** Zooms so that the point under the pointer stays where it is. */
  #zoomAt(factor: number, clientX: number, clientY: number): void {
    const before = this.#zoom;
    this.#zoom = Math.min(Math.max(before * factor, 1), MOST_ZOOM);
    const { left, top, width, height } = this.#host.getBoundingClientRect();
    const grown = this.#zoom / before - 1;
    this.#x -= (clientX - left - width / 2 - this.#x) * grown;
    this.#y -= (clientY - top - height / 2 - this.#y) * grown;
    this.#place();
  }

  #place(): void {
    const element = this.#frame.querySelector("img");
    if (!element || !this.#lease) return;
    const room = this.#room;
    const { width, height, scale } = this.#measure(this.#lease, element);
    const [shownWidth, shownHeight] = [width * scale * this.#zoom, height * scale * this.#zoom];
    this.#x = within(this.#x, (shownWidth - room.width) / 2);
    this.#y = within(this.#y, (shownHeight - room.height) / 2);
    Object.assign(this.#frame.style, {
      inlineSize: `${width * scale}px`,
      blockSize: `${height * scale}px`,
      transform: `translate(${this.#x}px, ${this.#y}px) scale(${this.#zoom})`,
    });
    this.#host.toggleAttribute("data-zoomed", this.#zoom > 1);
    this.#boxes.style.setProperty("--unzoom", String(1 / this.#zoom));
    if (shownWidth > element.naturalWidth && element.src !== absolute(this.#lease.image_url)) this.#sharpen(element);
    this.shown.set({ picture: "ready", zoom: this.#zoom, width, height });
  }

  /** Loads the original once the smaller rendition no longer has a pixel for each one on screen. */
  #sharpen(element: HTMLImageElement): void {
    const lease = this.#lease;
    if (!lease || this.#zoom === 1 || lease.screen_url === lease.image_url) return;
    const original = new Image();
    original.src = lease.image_url;
    original.decode().then(
      () => {
        if (this.#lease === lease) element.src = original.src;
      },
      () => undefined, // the rendition stays
    );
  }

  #gestures(): [keyof HTMLElementEventMap, (event: never) => void][] {
    const fingers = new Map<number, PointerEvent>();
    const moved = (event: PointerEvent) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const [other] = [...fingers.values()].filter((one) => one.pointerId !== event.pointerId);
      if (other) this.#pinch(last, event, other);
      else if (this.#swipe) this.#follow(followed(this.#swipe, event));
      else {
        this.#x += event.clientX - last.clientX;
        this.#y += event.clientY - last.clientY;
      }
      fingers.set(event.pointerId, event);
      this.#place();
    };
    const lifted = (event: PointerEvent) => {
      fingers.delete(event.pointerId);
      const side = event.type === "pointerup" ? this.reached.get() : 0;
      const label = this.#lease?.labels[side < 0 ? 0 : 1];
      this.#follow(null);
      if (label !== undefined && Math.abs(side) === 1) this.onSwipe(label);
    };
    return [
      [
        "wheel",
        (event: WheelEvent) => {
          event.preventDefault();
          this.#zoomAt(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
        },
      ],
      [
        "pointerdown",
        (event: PointerEvent) => {
          fingers.set(event.pointerId, event);
          this.#follow(fingers.size === 1 && this.#mayBeSwiped(event) ? begun(event) : null);
          this.#host.setPointerCapture(event.pointerId);
        },
      ],
      ["pointermove", moved],
      ["pointerup", lifted],
      ["pointercancel", lifted],
    ];
  }

  #mayBeSwiped({ pointerType }: PointerEvent): boolean {
    return pointerType !== "mouse" && this.#zoom === 1 && this.#lease?.labels.length === 2;
  }

  /** The picture goes with the finger. */
  #follow(swipe: Swipe | null): void {
    this.#swipe = swipe;
    this.#frame.style.translate = swipe ? `${swipe.dx}px` : "";
    this.reached.set(swipe ? reach(swipe, this.#host.clientWidth) : 0);
  }

  #pinch(from: PointerEvent, to: PointerEvent, other: PointerEvent): void {
    const apart = (one: PointerEvent) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    this.#zoomAt(apart(to) / apart(from), (to.clientX + other.clientX) / 2, (to.clientY + other.clientY) / 2);
  }
}

function within(value: number, limit: number): number {
  return limit <= 0 ? 0 : Math.min(Math.max(value, -limit), limit);
}

function absolute(url: string): string {
  return new URL(url, location.href).href;
}
