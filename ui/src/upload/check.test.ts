import { expect, it } from "vitest";
import { checked, isSystemFile, kindOf } from "./check";

const LIMITS = { max_image_bytes: 1000, max_zip_bytes: 5000 };
const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const JPEG = bytes("\xff\xd8\xff\xe0");

it.each([
  ["\xff\xd8\xff\xe1", "picture"],
  ["\x89PNG\r\n\x1a\n", "picture"],
  ["BM....", "picture"],
  ["RIFF....WEBPVP8 ", "picture"],
  ["RIFF....WAVEfmt ", "other"],
  ["PK\x03\x04", "zip"],
  ["PK\x05\x06", "zip"],
  ["GIF89a", "other"],
  ["", "other"],
])("%j is a %s", (head, kind) => expect(kindOf(bytes(head))).toBe(kind));

it("a file goes by its content, not by its name", () => {
  expect(checked("a.txt", 10, JPEG, LIMITS)).toBeNull();
  expect(checked("a.jpg", 10, bytes("hello"), LIMITS)?.status).toBe("rejected");
});

it("an empty file and one over its limit are refused with the reason", () => {
  expect(checked("a.jpg", 0, new Uint8Array(), LIMITS)?.reason).toBe("the file is empty");
  expect(checked("a.jpg", 1000, JPEG, LIMITS)).toBeNull();
  expect(checked("a.jpg", 1001, JPEG, LIMITS)?.reason).toBe("the file is over the limit of 1,000 bytes");
  expect(checked("a.zip", 1001, bytes("PK\x03\x04"), LIMITS)).toBeNull();
});

it.each(["a/.DS_Store", "Thumbs.db", "__MACOSX/a.jpg", "a/._b.jpg"])("%s is skipped", (path) => {
  expect(isSystemFile(path)).toBe(true);
  expect(checked(path, 10, JPEG, LIMITS)?.status).toBe("skipped");
});
