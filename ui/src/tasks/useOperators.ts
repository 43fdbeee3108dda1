import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { allPages } from "../shell/allPages";
import { may } from "../shell/may";
import { useMe } from "../shell/me";

export type Operator = Schemas["KeyHolder"];

/** The team's operators, for those who may invite them; null with authentication off, where nobody knows who there is. */
export function useOperators(): { operators: readonly Operator[] | null | undefined; error: Error | null } {
  const me = useMe();
  const isKnown = me.auth === "on" && may(me, "invite-operators");
  const { data, error } = useQuery({
    queryKey: ["operators"],
    enabled: isKnown,
    queryFn: async ({ signal }) => {
      return await allPages<Operator>(async (cursor) =>
        bodyOf(await api.GET("/api/users/operators", { params: { query: { cursor, limit: 1_000 } }, signal })),
      );
    },
  });
  return { operators: isKnown ? data : null, error };
}
