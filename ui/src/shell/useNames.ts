import { useQuery } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";
import { allPages } from "./allPages";
import { may } from "./may";
import { useMe } from "./me";

export type Named = (id: string) => string;

const KEPT_MS = 300_000;

/** What people are called, for those who see tasks. Others, and people who are not in the team any more, keep their ids;
 * with authentication off the ids are the names. */
export function useNames(): Named {
  const me = useMe();
  const { data } = useQuery({
    queryKey: ["names", me.team],
    enabled: me.auth === "on" && may(me, "see-tasks"),
    staleTime: KEPT_MS,
    queryFn: async ({ signal }) => {
      const people = await allPages(async (cursor) =>
        bodyOf(await api.GET("/api/users/names", { params: { query: { cursor, limit: 1_000 } }, signal })),
      );
      return new Map(people.map(({ id, name }) => [id, name]));
    },
  });
  return (id) => data?.get(id) ?? id;
}
