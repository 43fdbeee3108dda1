// The files of a drop or a choice, one by one: only handles are kept, never bytes.

/** A file that can be opened when its turn comes. */
export interface Source {
  /** Folders and name, between slashes. */
  path: string;
  open(): Promise<File>;
}

/** Every file of dropped entries, folders walked in the order in which the browser lists them. */
export async function* walkEntries(entries: readonly FileSystemEntry[]): AsyncGenerator<Source> {
  for (const entry of entries) {
    if (isFile(entry)) yield sourceOf(entry);
    else if (isDirectory(entry)) yield* walkEntries(await children(entry));
  }
}

/** Every file of an `<input type=file>`, with its folder where one was chosen. */
export function* walkFiles(files: Iterable<File>): Generator<Source> {
  for (const file of files) yield { path: file.webkitRelativePath || file.name, open: () => Promise.resolve(file) };
}

function sourceOf(entry: FileSystemFileEntry): Source {
  return {
    path: entry.fullPath.replace(/^\//, ""),
    open: () => new Promise((resolve, reject) => entry.file(resolve, reject)),
  };
}

/** All entries of a folder: a reader hands out about a hundred a call, and none at the end. */
async function children(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
