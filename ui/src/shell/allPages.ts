/** All items of a list that comes in pages. */
export async function allPages<Item>(
  page: (cursor: string | null) => Promise<{ items: Item[]; next_cursor: string | null }>,
): Promise<Item[]> {
  const found: Item[] = [];
  let cursor: string | null = null;
  do {
    const { items, next_cursor } = await page(cursor);
    found.push(...items);
    cursor = next_cursor;
  } while (cursor !== null);
  return found;
}
