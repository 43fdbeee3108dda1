/** Who asks the platform, and what goes with every request of theirs. */
export const CALLER = "X-Quorate-User";

/** Says that the page sends a request; a page of another site cannot. */
const BY_PAGE = "X-Quorate-Request";

/** Whether people sign in, or the platform takes their word. */
export type Auth = "on" | "off";

let caller = "";
let isSignedIn = false;

/** Names the caller of every request from now on: by a header, or by the session of the page. */
export function callAs(user: string, auth: Auth = "off"): void {
  caller = user;
  isSignedIn = auth === "on";
}

/** The headers by which a request names its caller; where people sign in, a cookie does. */
export function callerHeaders(user: string = caller): Record<string, string> {
  if (isSignedIn) return { [BY_PAGE]: "1" };
  return user ? { [CALLER]: user } : {};
}

/** Whom a request names. */
export function callerOf(request: Request): string {
  return isSignedIn ? caller : (request.headers.get(CALLER) ?? "");
}
