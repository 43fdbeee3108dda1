/** The outbox of this browser, which every page sends from. */
import { store } from "../shell/store";
import { sync } from "../shell/sync";
import { who } from "../shell/who";
import { openOutbox } from "./outbox";
import type { VoteRecord } from "./queue";
import { maySend, startSender } from "./sender";

export const outbox = openOutbox();

/** The votes of the person at the page that the platform refused. */
export const refused = store<readonly VoteRecord[]>([]);

const LATE_MS = 10_000;
const TELL_MS = 2_000;

function tell(): void {
  const records = outbox.records.get();
  const unsent = records.filter((record) => record.phase !== "refused" && maySend(record.user));
  const mine = records.filter((record) => record.phase === "refused" && record.user === who.get());
  if (mine.length !== refused.get().length) refused.set(mine);
  sync.set({
    waiting: unsent.length + outbox.writing.get(),
    isWriting: outbox.writing.get() > 0,
    isLate: unsent.some((record) => Date.now() - record.castAt > LATE_MS),
    isStored: outbox.isStored.get(),
  });
}

for (const watched of [outbox.records, outbox.writing, outbox.isStored, who]) watched.subscribe(tell);
setInterval(tell, TELL_MS);

// What storage does not hold yet would end with the page: the browser asks first.
addEventListener("beforeunload", (event) => {
  const { waiting, isWriting, isStored } = sync.get();
  if (isWriting || (waiting > 0 && !isStored)) event.preventDefault();
});

startSender(outbox);
