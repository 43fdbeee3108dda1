/** The address of a link. Its token is behind the `#`, which no browser sends: so no proxy and no log has it. */

export const LINK = "/link";

export function linkTo(token: string): string {
  return `${LINK}#${token}`;
}

export function isLink(pathname: string): boolean {
  return pathname === LINK || pathname.startsWith(`${LINK}/`);
}

/** The token of a link, also of one from before, which had it in its path. */
export function tokenIn({ pathname, hash }: Pick<Location, "pathname" | "hash">): string {
  const found = hash.slice(1) || pathname.slice(LINK.length + 1);
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}
