import { queryOptions, useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { fetchMe, type Me } from "../api/fields";
import { useStore } from "./useStore";
import { who } from "./who";

export function meQuery(user: string) {
  return queryOptions({
    queryKey: ["me", user],
    queryFn: ({ signal }) => fetchMe(user, signal),
    enabled: user !== "",
    staleTime: 60_000,
  });
}

export function useMeQuery() {
  return useQuery({ ...meQuery(useStore(who)), refetchInterval: 60_000 });
}

export const MeContext = createContext<Me | null>(null);

/** The caller; every page stands inside the shell, which knows it. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe outside the shell");
  return me;
}
