// Which files go in one request.

export const MOST_FILES = 64;
export const MOST_BYTES = 32 * 1024 * 1024;

/** Batches of at most 64 files or 32 MB, in order; a larger file goes alone. */
export function batches<File extends { size: number }>(files: readonly File[]): File[][] {
  const all: File[][] = [];
  let batch: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length === MOST_FILES || (batch.length > 0 && bytes + file.size > MOST_BYTES)) {
      all.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) all.push(batch);
  return all;
}
