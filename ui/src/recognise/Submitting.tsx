import { useEffect, useSyncExternalStore } from "react";
import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { recognise as texts } from "../texts/en.recognise";
import css from "./recognise.module.css";
import type { Submission } from "./submissions";

const REFUSED_SHOWN = 20;

/** How far a submission is, and what of it was refused; nothing once all of it was taken. */
export function Submitting({ submission, changed }: { submission: Submission; changed: () => void }) {
  const { queue, refused } = submission;
  const { state, why, files, answered, bytes, sentBytes } = useSyncExternalStore(
    (heard) => queue.subscribe(heard),
    () => queue.progress,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each answer there are new jobs
  useEffect(changed, [answered]);
  if (state === "done" && refused.length === 0) return null;
  return (
    <section className={css.submitting} aria-label={texts.submitting}>
      {state !== "done" && (
        <>
          <div className={css.line}>
            <p role="status">{texts.sending(answered, files)}</p>
            {state === "sending" ? (
              <Button isCompact onClick={() => queue.pause()}>
                {texts.pause}
              </Button>
            ) : (
              <Button isCompact look="primary" onClick={() => queue.resume()}>
                {texts.resume}
              </Button>
            )}
          </div>
          <progress value={sentBytes} max={Math.max(bytes, 1)} aria-label={texts.submitting} />
          {(why || state === "paused") && (
            <p className={css.why} role="status">
              <Icon name="warning" /> {[state === "paused" && texts.paused, why].filter(Boolean).join(" ")}
            </p>
          )}
        </>
      )}
      {refused.length > 0 && (
        <details className={css.refused}>
          <summary>
            <Icon name="warning" />
            {texts.refused(refused.length)}
          </summary>
          <ul>
            {refused.slice(0, REFUSED_SHOWN).map(({ filename, reason }, position) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two files may have one name
              <li key={position}>
                <span>{filename}</span>
                {reason}
              </li>
            ))}
          </ul>
          {refused.length > REFUSED_SHOWN && <p>{texts.refusedMore(refused.length - REFUSED_SHOWN)}</p>}
        </details>
      )}
    </section>
  );
}
