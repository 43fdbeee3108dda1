import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
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
      const found: Operator[] = [];
      let cursor: string | null = null;
      do {
        const query = { cursor, limit: 1_000 };
        const page: Schemas["Operators"] = bodyOf(await api.GET("/api/users/operators", { params: { query }, signal }));
        found.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== null);
      return found;
    },
  });
  return { operators: isKnown ? data : null, error };
}
