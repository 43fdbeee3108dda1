import { expect, it } from "vitest";
import { walkEntries, walkFiles } from "./walk";

// A browser hands out dropped entries only in a drop; these keep its contract: portions, and none at the end.
function file(fullPath: string): FileSystemFileEntry {
  return {
    fullPath,
    isFile: true,
    isDirectory: false,
    file: (resolve: (file: File) => void) => resolve(new File([fullPath], fullPath.split("/").at(-1) ?? "")),
  } as FileSystemFileEntry;
}

function folder(entries: FileSystemEntry[]): FileSystemDirectoryEntry {
  const createReader = () => {
    const portions = [entries.slice(0, 100), entries.slice(100, 200), entries.slice(200)].filter((some) => some.length);
    return { readEntries: (resolve: (some: FileSystemEntry[]) => void) => resolve(portions.shift() ?? []) };
  };
  return { isFile: false, isDirectory: true, createReader } as unknown as FileSystemDirectoryEntry;
}

it("a dropped folder is walked to its last portion, and folders in it", async () => {
  const many = Array.from({ length: 250 }, (_, number) => file(`/shelf/${number}.jpg`));
  const dropped = [folder([...many, folder([file("/shelf/top/<b>.jpg")])]), file("/alone.png")];
  const paths: string[] = [];
  for await (const { path } of walkEntries(dropped)) paths.push(path);
  expect(paths).toHaveLength(252);
  expect(paths.slice(-3)).toEqual(["shelf/249.jpg", "shelf/top/<b>.jpg", "alone.png"]);
});

it("a file is opened when its turn comes", async () => {
  for await (const source of walkEntries([file("/a/b.jpg")]))
    expect(await (await source.open()).text()).toBe("/a/b.jpg");
});

it("a chosen file keeps the folder that it was in", () => {
  const chosen = Object.defineProperty(new File([], "b.jpg"), "webkitRelativePath", { value: "a/b.jpg" });
  expect([...walkFiles([chosen, new File([], "c.jpg")])].map(({ path }) => path)).toEqual(["a/b.jpg", "c.jpg"]);
});
