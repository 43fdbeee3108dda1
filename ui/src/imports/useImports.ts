import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";

export type Import = Schemas["ImportShown"];

const SOON_MS = 2_000;

export const importsKey = (task: string) => ["imports", task] as const;

/** The imports of a task, the newest first; read again while one is running. */
export function useImports(task: string) {
  return useQuery({
    queryKey: importsKey(task),
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/tasks/{task_id}/imports", { params: { path: { task_id: task } }, signal })).items,
    refetchInterval: ({ state: { data } }) => (data?.some(({ state }) => state === "running") ? SOON_MS : false),
  });
}

/** The files that an import did not take in, the first of them; asked for once somebody wants to know. */
export function useRefused({ task_id, id, rejected, skipped }: Import, isAsked: boolean) {
  return useQuery({
    queryKey: ["refused", id, rejected + skipped],
    queryFn: async ({ signal }) => {
      const params = { path: { task_id, import_id: id }, query: { limit: 100 } };
      return bodyOf(await api.GET("/api/tasks/{task_id}/imports/{import_id}/refused", { params, signal }));
    },
    enabled: isAsked,
  });
}
