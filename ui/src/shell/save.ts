/** How long a browser may take to begin reading what it saves. */
const READ_MS = 60_000;

/** Lets the browser save a file that was made here. */
export function saveFile(name: string, type: string, parts: BlobPart[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), READ_MS);
}
