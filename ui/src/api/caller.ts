/** Who asks the platform: the name that goes with every request. */
export const CALLER = "X-Quorate-User";

let caller = "";

/** Names the caller of every request from now on. */
export function callAs(user: string): void {
  caller = user;
}

/** The headers by which a request names its caller. */
export function callerHeaders(user: string = caller): Record<string, string> {
  return user ? { [CALLER]: user } : {};
}
