import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { useMe } from "../shell/me";

/** What can be done to pictures here; null until it is known, and where the platform has no pipelines. */
export function useOperations(): Schemas["Operations"] | null {
  const { features } = useMe();
  const { data } = useQuery({
    queryKey: ["pipeline-operations"],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/pipelines/operations", { signal })),
    enabled: features.includes("pipeline"),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data ?? null;
}
