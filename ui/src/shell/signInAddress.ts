/** The address of the page to sign in at, which says where somebody wanted to go. */

const PATH = "/sign-in";
const BACK = "to";

type Address = Pick<Location, "pathname" | "search">;

export function signInFrom({ pathname, search }: Address): string {
  return pathname === "/" ? PATH : `${PATH}?${new URLSearchParams({ [BACK]: pathname + search })}`;
}

/** Where to go on after signing in: a page of this platform, whatever the address says. */
export function backTo({ search }: Pick<Location, "search">): string {
  const wanted = new URLSearchParams(search).get(BACK) ?? "/";
  return /^\/(?![/\\])/.test(wanted) ? wanted : "/";
}
