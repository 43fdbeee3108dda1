import { useInfiniteQuery } from "@tanstack/react-query";

interface Paged<T> {
  items: T[];
  next_cursor: string | null;
}

/** A list that comes in pages, as far as it was asked for. */
export function usePages<T>(
  queryKey: readonly string[],
  ask: (cursor: string | null, signal: AbortSignal) => Promise<Paged<T>>,
) {
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
  return { ...pages, items: pages.data?.pages.flatMap((page) => page.items) };
}
