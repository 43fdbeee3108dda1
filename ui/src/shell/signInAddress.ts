/** The address of the page to sign in at, which says where somebody wanted to go. */

const PATH = "/sign-in";
/** Where a provider sends people back to. */
export const RETURN = "/sign-in/return";
const BACK = "to";

type Address = Pick<Location, "pathname" | "search">;

export function signInFrom({ pathname, search }: Address): string {
  return pathname === "/" ? PATH : `${PATH}?${new URLSearchParams({ [BACK]: pathname + search })}`;
}

/** Where to go on after signing in: a page of this platform, whatever the address says. */
export function backTo({ search }: Pick<Location, "search">): string {
  return safePlace(new URLSearchParams(search).get(BACK) ?? "/");
}

/** A page of this platform; the first one in place of an address of any other. */
export function safePlace(wanted: string): string {
  return /^\/(?![/\\])[^\t\r\n]*$/.test(wanted) ? wanted : "/"; // browsers leave out tabs and ends of lines
}
