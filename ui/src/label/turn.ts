/** One tab of a browser labels at a time. */
const LOCK = "quorate-label";

/**
 * Waits for this tab's turn: `mine` is called when it has it, `theirs` when another tab has or takes it.
 * Returns how to take the turn from the other tab, and how to end.
 */
export function takeTurn(mine: () => void, theirs: () => void): { take: () => void; end: () => void } {
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  const hold = (lock: Lock | null): Promise<void> | undefined => {
    if (isEnded) return undefined;
    if (!lock) {
      theirs();
      return undefined;
    }
    mine();
    return ended.promise;
  };
  const request = (options: LockOptions) =>
    navigator.locks.request(LOCK, options, hold).catch(() => !isEnded && theirs());
  // Without locks (plain HTTP from another machine) every tab works; the platform then refuses what comes twice.
  if (navigator.locks) void request({ ifAvailable: true });
  else mine();
  return {
    take: () => void request({ steal: true }),
    end: () => {
      isEnded = true;
      ended.resolve();
    },
  };
}
