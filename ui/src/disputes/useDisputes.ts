import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { pictured } from "../api/pictured";
import type { Dispute } from "./standings";

const LOOK_AGAIN_MS = 15_000;

export interface Decision {
  dispute: Dispute;
  label: string;
  reason: string;
}

/** The disputes that wait; one that is decided here leaves at once, and comes back if the platform refuses it. */
export function useDisputes(task: string | null) {
  const client = useQueryClient();
  const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
  const key = ["disputes", task];
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam, signal }) =>
      bodyOf(
        await api.GET("/api/disputes", { params: { query: { task_id: task, cursor: pageParam, limit: 50 } }, signal }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: LOOK_AGAIN_MS,
  });
  const decide = useMutation({
    mutationFn: ({ dispute, label, reason }: Decision) =>
      api.POST("/api/disputes/{subtask_id}", {
        params: { path: { subtask_id: dispute.id } },
        body: { label, reason },
      }),
    onMutate: ({ dispute }) => setDecided((before) => new Set(before).add(dispute.id)),
    onSuccess: () => client.invalidateQueries({ queryKey: ["me"] }),
    onError: (_, { dispute }) => setDecided((before) => new Set([...before].filter((id) => id !== dispute.id))),
  });
  const waiting = (pages.data?.pages ?? [])
    .flatMap((page) => page.items)
    .filter(({ id }) => !decided.has(id))
    .map(pictured);
  return { pages, waiting, decide };
}
