import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, bodyOf } from "../api/client";
import { isOver, stream, type Task, type Watched } from "./streams";

const POLL_MS = 5_000;

export const taskKey = (id: string) => ["task", id] as const;

/** A task that stays as it is on the platform while it is watched: by a stream where one is left, else by polling. */
export function useTask(id: string, { shown, isWatched = true }: { shown?: Task; isWatched?: boolean } = {}) {
  const client = useQueryClient();
  const [isStreamed, setStreamed] = useState(false);
  const query = useQuery({
    queryKey: taskKey(id),
    queryFn: async ({ signal }): Promise<Watched> =>
      bodyOf(await api.GET("/api/tasks/{task_id}", { params: { path: { task_id: id } }, signal })),
    ...(shown && { initialData: shown, staleTime: POLL_MS }),
    refetchInterval: ({ state }) => (isWatched && !isStreamed && state.data && !isOver(state.data) ? POLL_MS : false),
  });
  const isMoving = query.data !== undefined && !isOver(query.data);
  useEffect(() => {
    if (!isWatched || !isMoving) return;
    const leave = stream(id, {
      progress: (task) => client.setQueryData(taskKey(id), task),
      gone: () => Promise.all([taskKey(id), ["tasks"]].map((queryKey) => client.invalidateQueries({ queryKey }))),
    });
    setStreamed(leave !== null);
    return () => {
      leave?.();
      setStreamed(false);
    };
  }, [client, id, isWatched, isMoving]);
  return { ...query, isStreamed };
}
