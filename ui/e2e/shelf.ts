/** A folder of pictures as people have them: twelve files of it are bad, each in a way of its own. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import type { Picture, Platform } from "./platform";

const MARKUP_NAME = "<img src=x onerror=alert(1)>.jpg";

function bad(picture: Uint8Array): Record<string, Uint8Array | string> {
  const wide = Buffer.alloc(54);
  wide.write("BM");
  wide.writeUInt32LE(54, 10);
  wide.writeUInt32LE(40, 14);
  wide.writeInt32LE(20_000, 18);
  wide.writeInt32LE(20_000, 22);
  wide.writeUInt16LE(1, 26);
  wide.writeUInt16LE(24, 28);
  return {
    "empty.jpg": "",
    "notes.jpg": "not a picture",
    "moving.gif": "GIF89a and more",
    "drawing.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "phone.heic": "\0\0\0\x18ftypheic and more",
    "scan.tiff": "II*\0 and more",
    "cut.jpg": Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200)]),
    "cut.png": picture.subarray(0, 60),
    "broken.zip": "PK\x03\x04 but no directory",
    "heavy.png": Buffer.concat([picture.subarray(0, 33), Buffer.alloc(21_000_000)]),
    "wide.bmp": wide,
    [MARKUP_NAME]: "BM but no bitmap at all",
  };
}

export interface Shelf {
  /** The folder, whose name is `shelf`. */
  folder: string;
  good: number;
  /** Names of the bad files. */
  bad: string[];
}

/** Writes good pictures, half of them in a folder within, and the bad ones. */
export function shelve(platform: Platform, good: readonly Picture[]): Shelf {
  const folder = join(mkdtempSync(join(platform.folder, "shelf-")), "shelf");
  mkdirSync(join(folder, "inner"), { recursive: true });
  for (const [number, { name, bytes }] of good.entries())
    writeFileSync(join(folder, number % 2 ? "inner" : "", name), bytes);
  const files = bad(good[0]?.bytes ?? new Uint8Array());
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return { folder, good: good.length, bad: Object.keys(files) };
}

/** Drops a folder of this machine on an element, as a person drags it in from their files. */
export async function drop(page: Page, onto: Locator, path: string): Promise<void> {
  const box = await onto.boundingBox();
  if (!box) throw new Error("there is nothing to drop on");
  const browser = await page.context().newCDPSession(page);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await browser.send("Input.dispatchDragEvent", { type, x, y, data });
}
