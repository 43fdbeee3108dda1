// What the page can tell of a file before it is sent: by content, never by its name.

import type { Me } from "../api/fields";

export type Limits = Pick<Me["limits"], "max_image_bytes" | "max_zip_bytes">;

export const HEAD_BYTES = 16;

export interface Verdict {
  status: "rejected" | "skipped";
  reason: string;
}

const SYSTEM_FILES = new Set([
  ".ds_store",
  ".localized",
  "desktop.ini",
  "ehthumbs.db",
  "ehthumbs_vista.db",
  "icon\r",
  "thumbs.db",
]);
const SYSTEM_FOLDERS = new Set([
  "$recycle.bin",
  ".appledouble",
  ".documentrevisions-v100",
  ".fseventsd",
  ".spotlight-v100",
  ".temporaryitems",
  ".trashes",
  "__macosx",
  "system volume information",
]);

/** Whether Windows or macOS put the file there, not a person. */
export function isSystemFile(path: string): boolean {
  const folders = path.toLowerCase().split("/");
  const last = folders.pop() ?? "";
  return SYSTEM_FILES.has(last) || last.startsWith("._") || folders.some((folder) => SYSTEM_FOLDERS.has(folder));
}

export type Kind = "picture" | "zip" | "other";

/** What the first 16 bytes say. */
export function kindOf(head: Uint8Array): Kind {
  const starts = (bytes: number[], at = 0) => bytes.every((byte, position) => head[at + position] === byte);
  const isPicture =
    starts([0xff, 0xd8, 0xff]) ||
    starts([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) ||
    starts([0x42, 0x4d]) ||
    (starts([0x52, 0x49, 0x46, 0x46]) && starts([0x57, 0x45, 0x42, 0x50], 8));
  if (isPicture) return "picture";
  return starts([0x50, 0x4b, 3, 4]) || starts([0x50, 0x4b, 5, 6]) ? "zip" : "other";
}

/** Why a file need not be sent, or null. Everything else is for the task manager to judge. */
export function checked(path: string, size: number, head: Uint8Array, limits: Limits): Verdict | null {
  if (isSystemFile(path)) return { status: "skipped", reason: "a file that the operating system keeps for itself" };
  if (size === 0) return { status: "rejected", reason: "the file is empty" };
  const kind = kindOf(head);
  if (kind === "other") return { status: "rejected", reason: "not a JPEG, PNG, WebP or BMP picture, and not a zip" };
  const most = kind === "zip" ? limits.max_zip_bytes : limits.max_image_bytes;
  if (size <= most) return null;
  return { status: "rejected", reason: `the file is over the limit of ${most.toLocaleString("en")} bytes` };
}
