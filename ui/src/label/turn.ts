/** One tab of a browser labels at a time. */
const LOCK = "quorate-label";

export interface Turn {
  isMine: () => boolean;
  take: () => void;
  end: () => void;
}

/**
 * Waits for this tab's turn: `mine` is called when it has it, `theirs` when another tab has or takes it.
 * Returns how to take the turn from the other tab, and how to end.
 */
export function takeTurn(mine: () => void, theirs: () => void): Turn {
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  let isMine = false;
  const change = (isNowMine: boolean) => {
    isMine = isNowMine;
    if (!isEnded) (isMine ? mine : theirs)();
  };
  const hold = (lock: Lock | null): Promise<void> | undefined => {
    if (isEnded) return undefined;
    change(lock !== null);
    return lock ? ended.promise : undefined;
  };
  const request = (options: LockOptions) => navigator.locks.request(LOCK, options, hold).catch(() => change(false));
  // Without locks (plain HTTP from another machine) every tab works; the platform then refuses what comes twice.
  if (navigator.locks) void request({ ifAvailable: true });
  else change(true);
  return {
    isMine: () => isMine,
    take: () => void request({ steal: true }),
    end: () => {
      isEnded = true;
      ended.resolve();
    },
  };
}
