import type { Lease } from "../api/fields";
import { useLabelKeys } from "../shell/Key";
import { label as texts } from "../texts/en.label";
import type { Session, View } from "./session";
import css from "./strip.module.css";

const PAST_SHOWN = 4;
const NEXT_SHOWN = 8;

/** The last votes, each of which can be undone, the image on screen, and the next ones: reading ahead made visible. */
export function Strip({ session, view }: { session: Session; view: View }) {
  const keys = useLabelKeys();
  return (
    <ol className={css.strip} aria-label={texts.strip}>
      {view.past.slice(-PAST_SHOWN).map(({ lease, label }) => (
        <li key={lease.subtask_id} className={css.past}>
          <button
            type="button"
            onClick={() => void session.undo(lease.subtask_id)}
            title={texts.undoPast(nameOf(lease, label))}
          >
            <Thumbnail lease={lease} />
            <span>
              <b>{keys[lease.labels.indexOf(label)]}</b> {nameOf(lease, label)}
            </span>
            <span className={css.unseen}>{texts.undo}</span>
          </button>
        </li>
      ))}
      {view.lease && (
        <li className={css.now} aria-current="true">
          <Thumbnail lease={view.lease} />
          <span>{texts.now}</span>
        </li>
      )}
      {view.ahead.slice(0, NEXT_SHOWN).map((lease) => (
        <li key={lease.subtask_id} className={css.next}>
          <Thumbnail lease={lease} />
        </li>
      ))}
    </ol>
  );
}

function Thumbnail({ lease }: { lease: Lease }) {
  return <img src={lease.thumbnail_url} alt="" decoding="async" draggable={false} />;
}

function nameOf(lease: Lease, label: string): string {
  return label === "unsure" && !lease.labels.includes(label) ? texts.unsure : (lease.label_names[label] ?? label);
}
