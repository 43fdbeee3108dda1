/** What the platform refused, in words for the form that was sent. */
import { ApiProblem } from "../api/client";
import { en } from "../texts/en";
import { account as texts } from "../texts/en.account";

const FEWEST_CHARACTERS = 8;

/** What is wrong with a field, by the platform's word. */
export function wrongField(error: unknown, pointer: string): string | undefined {
  return error instanceof ApiProblem ? error.fields.find((field) => field.pointer === pointer)?.detail : undefined;
}

/** What went wrong with the whole; undefined where it is said beside one of these fields. */
export function wrongWhole(error: unknown, pointers: readonly string[]): string | undefined {
  if (!error || pointers.some((pointer) => wrongField(error, pointer) !== undefined)) return undefined;
  if (!(error instanceof ApiProblem)) return error instanceof Error ? error.message : String(error);
  if (error.isUnreachable) return en.states.noConnectionDetail;
  if (error.status === 401) return texts.signIn.wrong;
  if (error.status === 429) return texts.throttled;
  return error.status === 503 ? texts.busy : error.detail || error.title;
}

/** What went wrong on the way to a provider or back; the platform says it in words for people. */
export function wrongAtProvider(error: unknown): string {
  if (error instanceof ApiProblem && error.status === 429) return texts.throttled;
  if (error instanceof ApiProblem && !error.isUnreachable) return sentence(error.detail || error.title);
  return en.states.noConnectionDetail;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** Whether a new password is too short, counted as the platform counts. */
export function isShort(password: string): boolean {
  return [...password.normalize("NFC")].length < FEWEST_CHARACTERS;
}
