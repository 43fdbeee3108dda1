import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { usePages } from "../admin/usePages";
import { api, bodyOf, type Schemas } from "../api/client";
import { pictured } from "../api/pictured";

export type Run = Schemas["RunShown"];
export type Method = Run["methods"][number];
export const METHODS: readonly Method[] = ["majority", "ds", "one-coin", "mace", "glad"];

const LOOK_MS = 1_000;
const FEW = 12;

const isBusy = (run: Run | undefined) =>
  run !== undefined &&
  (run.state === "waiting" || run.state === "running" || run.disputes.some(({ done_at: done }) => done === null));

/** The runs of a task, looked at again while one is under way, and the way to ask for one. */
export function useRuns(task: string) {
  const client = useQueryClient();
  const key = ["consensus", task];
  const runs = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/consensus", { params: { query: { task_id: task } }, signal })).items,
    refetchInterval: ({ state: { data } }) => (data?.some(isBusy) ? LOOK_MS : false),
  });
  const ask = useMutation({
    mutationFn: async (methods: Method[]) =>
      bodyOf(await api.POST("/api/consensus", { body: { task_id: task, methods } })),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  const send = useMutation({
    mutationFn: async ({ run, method }: { run: string; method: Method }) =>
      bodyOf(
        await api.POST("/api/consensus/{run_id}/dispute", { params: { path: { run_id: run } }, body: { method } }),
      ),
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: key });
      await client.invalidateQueries({ queryKey: ["me"] });
    },
  });
  return { runs, ask, send };
}

/** What a finished run says in all. */
export function useSummary(run: Run) {
  return useQuery({
    queryKey: ["consensus-run", run.id, run.ended_at],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/consensus/{run_id}", { params: { path: { run_id: run.id } }, signal })).summary,
  });
}

/** Images on which a method differs from the record, as far as they were asked for. */
export function useDiffering(run: string, method: Method) {
  return usePages(["consensus-differing", run, method], async (cursor, signal) => {
    const query = { differs: method, cursor, limit: FEW };
    return bodyOf(
      await api.GET("/api/consensus/{run_id}/results", { params: { path: { run_id: run }, query }, signal }),
    );
  });
}

/** The voters of a run, those with most votes first. */
export function useVoters(run: string) {
  return usePages(["consensus-voters", run], async (cursor, signal) =>
    bodyOf(
      await api.GET("/api/consensus/{run_id}/voters", {
        params: { path: { run_id: run }, query: { cursor, limit: 50 } },
        signal,
      }),
    ),
  );
}

/** The pictures of images, for those who may see their votes. */
export function usePictures(images: readonly string[], mayLook: boolean): ReadonlyMap<string, string> {
  const found = useQueries({
    queries: images.map((id) => ({
      queryKey: ["consensus-picture", id],
      enabled: mayLook,
      staleTime: 600_000,
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        pictured(bodyOf(await api.GET("/api/subtasks/{subtask_id}", { params: { path: { subtask_id: id } }, signal })))
          .thumbnail_url,
    })),
  });
  return new Map(images.flatMap((id, at) => (found[at]?.data ? [[id, found[at].data] as const] : [])));
}
