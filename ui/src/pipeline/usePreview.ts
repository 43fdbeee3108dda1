import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { callerHeaders } from "../api/caller";
import { ApiProblem, problemOf, type Schemas } from "../api/client";
import { send } from "../api/send";
import { useSettled } from "../shell/useSettled";
import { askedOf, faultOf, type Step } from "./operations";

const TYPING_MS = 300;

export type Preview = ReturnType<typeof usePreview>;
export type StepShown = Schemas["PreviewStep"];

/**
 * What each step makes of a sample, up to the first that cannot be done; what was shown before stays until there is new.
 * `refusals`: what the platform has against steps, by their place.
 */
export function usePreview(steps: readonly Step[], sample: File | null) {
  const faulty = steps.findIndex((step) => faultOf(step) !== null);
  const asked = JSON.stringify((faulty < 0 ? steps : steps.slice(0, faulty)).map(askedOf));
  const settled = useSettled(asked, TYPING_MS);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["pipeline-preview", settled, sample && [sample.name, sample.size, sample.lastModified]],
    queryFn: ({ signal }) => (sample ? preview(settled, sample, signal) : null),
    enabled: sample !== null && settled !== "[]",
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const refusals = new Map(
    (error instanceof ApiProblem ? error.fields : []).flatMap(({ pointer, detail }) => {
      const place = /^\/operations\/(\d+)/.exec(pointer)?.[1];
      return place === undefined ? [] : [[Number(place), detail] as const];
    }),
  );
  return {
    shown: sample === null || error || steps.length === 0 ? null : (data?.steps ?? null),
    refusals,
    error: refusals.size > 0 ? null : error,
    isLooking: isFetching || (sample !== null && asked !== settled),
    retry: refetch,
  };
}

async function preview(operations: string, image: File, signal: AbortSignal): Promise<Schemas["Preview"]> {
  const body = new FormData();
  body.append("operations", operations);
  body.append("image", image);
  const response = await send("/api/pipelines/preview", { method: "POST", headers: callerHeaders(), body, signal });
  if (!response.ok) throw await problemOf(response);
  return response.json();
}
