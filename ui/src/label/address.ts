/** The Label page in the address bar. */

/** In the place of a task: whatever is oldest. */
export const ANY = "any";

/** The task at whose images an address has a person work: null for whatever is oldest, undefined where it names none. */
export function taskIn(path: string): string | null | undefined {
  const [, task] = /^\/label\/([^/]+)$/.exec(path) ?? [];
  if (task === undefined) return undefined;
  return task === ANY ? null : decodeURIComponent(task);
}
