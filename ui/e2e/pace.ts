/** From a key to the next picture on the screen, measured in the page. */
import type { Page } from "@playwright/test";

export interface Pace {
  /** From each key to the message after the frame that follows it, in order of size. */
  paint_ms: number[];
  /** The same as the browser's Event Timing tells it, in steps of 8 ms; keys under its threshold count as 8. */
  event_ms: number[];
  /** Frames in which no picture was there, or not the one that follows. */
  loading_states: number;
}

interface Measured {
  paint: number[];
  events: number[];
  missing: number;
}

declare global {
  var measured: Measured;
}

/** Begins to measure; the Label page is open and shows a picture. */
export async function begin(page: Page): Promise<void> {
  await page.evaluate(() => {
    const measured: Measured = { paint: [], events: [], missing: 0 };
    globalThis.measured = measured;
    const shown = () => document.querySelector<HTMLImageElement>("img[data-id]");
    const isThere = (image: HTMLImageElement | null) => image?.complete === true && image.naturalWidth > 0;
    const look = () => {
      if (!isThere(shown())) measured.missing += 1;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    addEventListener(
      "keydown",
      ({ timeStamp }) => {
        performance.mark("key");
        const before = shown()?.dataset.id;
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
          measured.paint.push(performance.now() - timeStamp);
          performance.mark("painted");
        };
        requestAnimationFrame(() => {
          if (shown()?.dataset.id === before) measured.missing += 1;
          channel.port2.postMessage(null);
        });
      },
      { capture: true },
    );
    new PerformanceObserver((list) => {
      for (const event of list.getEntries() as PerformanceEventTiming[])
        if (event.name === "keydown") measured.events.push(event.duration);
    }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  });
}

/** Presses label keys at a steady pace, and tells what was measured. */
export async function type(page: Page, keys: number, everyMs: number): Promise<Pace> {
  for (let index = 0; index < keys; index++) {
    await page.keyboard.press(String((index % 3) + 1));
    await page.waitForTimeout(everyMs);
  }
  const { paint, events, missing } = await page.evaluate(() => globalThis.measured);
  const unmeasured = Array.from({ length: Math.max(0, keys - events.length) }, () => 8);
  const inOrder = (numbers: number[]) => numbers.sort((one, other) => one - other);
  return { paint_ms: inOrder(paint), event_ms: inOrder([...events, ...unmeasured]), loading_states: missing };
}

/** The value under which a share of sorted numbers lies. */
export function at(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
}
