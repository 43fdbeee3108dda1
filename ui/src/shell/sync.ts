/** What the top bar says about votes on their way; the outbox of the Label pages sets it. */
import { store } from "./store";

export interface Sync {
  waiting: number;
  refused: number;
  /** False where the browser stores nothing: votes then live as long as the page. */
  isStored: boolean;
}

export const sync = store<Sync>({ waiting: 0, refused: 0, isStored: true });
