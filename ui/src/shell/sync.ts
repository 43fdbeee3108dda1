/** What the top bar says about votes on their way; the outbox of the Label pages sets it. */
import { store } from "./store";

export interface Sync {
  waiting: number;
  /** Whether some of them are not in storage yet. */
  isWriting: boolean;
  /** True where votes wait longer than they should: the platform does not answer. */
  isLate: boolean;
  /** False where the browser stores nothing: votes then live as long as the page. */
  isStored: boolean;
}

export const sync = store<Sync>({ waiting: 0, isWriting: false, isLate: false, isStored: true });
