import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { type Pictured, pictured } from "../api/pictured";

export type Job = Schemas["JobShown"] & Pictured;

interface Page {
  items: Job[];
  next_cursor: string | null;
}

const PAGE_JOBS = 100;
/** While some of the jobs shown wait. All pages that were scrolled to are read again, so many of them less often. */
const SOON_MS = 1_500;
/** Jobs may also come from a program of the same person. */
const NOW_AND_THEN_MS = 15_000;

const jobsKey = ["jobs"] as const;

/** The caller's jobs, the newest first, as far as was scrolled. */
export function useJobs() {
  const query = useInfiniteQuery({
    queryKey: jobsKey,
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const query = { cursor: pageParam, limit: PAGE_JOBS };
      const { items, next_cursor } = bodyOf(await api.GET("/jobs/all", { params: { query }, signal }));
      return { items: items.map(pictured), next_cursor };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some(({ items }) => items.some(isWaiting)) ? SOON_MS * data.pages.length : NOW_AND_THEN_MS,
  });
  return { ...query, jobs: query.data?.pages.flatMap(({ items }) => items) ?? [] };
}

export function useJob(id: string, known: Job | undefined) {
  return useQuery({
    queryKey: ["job", id],
    queryFn: async ({ signal }) =>
      pictured(bodyOf(await api.GET("/jobs/item/{job_id}", { params: { path: { job_id: id } }, signal }))),
    enabled: known === undefined,
    refetchInterval: ({ state: { data } }) => (data && isWaiting(data) ? SOON_MS : false),
  });
}

/** Reads the jobs again, or leaves one out that is no more. */
export function useChanged() {
  const client = useQueryClient();
  return {
    readAgain: () => void client.invalidateQueries({ queryKey: jobsKey }),
    leaveOut: (id: string) => {
      client.setQueryData<InfiniteData<Page, string | null>>(jobsKey, (data) => data && without(data, id));
      void client.invalidateQueries({ queryKey: jobsKey });
    },
  };
}

function without(data: InfiniteData<Page, string | null>, id: string): InfiniteData<Page, string | null> {
  const pages = data.pages.map((page) => ({ ...page, items: page.items.filter((job) => job.id !== id) }));
  return { ...data, pages };
}

export function isWaiting({ state }: Pick<Job, "state">): boolean {
  return state === "waiting";
}
