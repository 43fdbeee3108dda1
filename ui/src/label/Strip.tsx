import { blank } from "../marks/blank";
import { useLabelKeys } from "../shell/Key";
import { label as texts } from "../texts/en.label";
import type { Voted } from "./queue";
import type { Session } from "./session";
import css from "./strip.module.css";
import type { View } from "./view";

const PAST_SHOWN = 4;
const NEXT_SHOWN = 8;

/** The last votes, each of which can be undone, the image on screen, and the next ones: reading ahead made visible. */
export function Strip({ session, view }: { session: Session; view: View }) {
  const keys = useLabelKeys();
  /** What is known of its label set: by its own lease, or by that of another image of the same task. */
  const known = (voted: Voted) => ("labels" in voted || voted.task_id !== view.lease?.task_id ? voted : view.lease);
  return (
    <ol className={css.strip} aria-label={texts.strip}>
      {view.past.slice(-PAST_SHOWN).map(({ lease, label }) => (
        <li key={lease.subtask_id} className={css.past}>
          <button
            type="button"
            onClick={() => void session.undo(lease.subtask_id)}
            title={texts.undoPast(nameOf(known(lease), label))}
          >
            <Thumbnail lease={lease} />
            <span>
              <b>{keys[known(lease).labels?.indexOf(label) ?? -1]}</b> {nameOf(known(lease), label)}
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

function Thumbnail({ lease }: { lease: Voted }) {
  return <img src={lease.thumbnail_url} alt="" decoding="async" draggable={false} onError={blank} />;
}

function nameOf({ labels = [], label_names = {} }: Voted, label: string): string {
  return label === "unsure" && !labels.includes(label) ? texts.unsure : (label_names[label] ?? label);
}
