/** What a provider sent the browser back with. */
import type { Schemas } from "../api/client";

export type ProviderAnswer = { error: string } | Schemas["ProviderAnswer"];

/** Where somebody wanted to go before they left for the provider: for this tab alone. */
const WANTED = "quorate.wanted";
const DENIED = "access_denied";
const UNNAMED = "no reason given";

/** The answer in the address; undefined where there is none. */
export function answerIn(search: string): ProviderAnswer | undefined {
  const told = new URLSearchParams(search);
  const error = told.get("error");
  if (error !== null) return { error: /^[a-z_]{1,60}$/.test(error) ? error : UNNAMED }; // whoever wrote the address
  const [code, state, iss] = [told.get("code"), told.get("state"), told.get("iss")];
  return code && state ? { code, state, ...(iss !== null && { iss }) } : undefined;
}

export function isDenied(error: string): boolean {
  return error === DENIED;
}

export function keepWanted(place: string): void {
  try {
    sessionStorage.setItem(WANTED, place);
  } catch {
    // then the first page is as good
  }
}

/** The place that was kept, as the search of an address has it. */
export function takeWanted(): string {
  try {
    const place = sessionStorage.getItem(WANTED) ?? "/";
    sessionStorage.removeItem(WANTED);
    return place;
  } catch {
    return "/";
  }
}
