import type { Lease } from "../api/fields";
import { Icon } from "../marks/Icon";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import css from "./rail.module.css";

interface LabelButtonProps {
  lease: Lease;
  label: string;
  name: string;
  /** The label's key; the last labels of a large set have none. */
  hint: string | undefined;
  lit: string | null;
  at?: string | undefined;
  vote: (label: string) => void;
}

export function LabelButton({ lease, label, name, hint, lit, at, vote }: LabelButtonProps) {
  const isSuggested = lease.prelabel?.label === label;
  const look = [css.key, isSuggested && css.suggested, (lit === label || at === label) && css.lit];
  return (
    <button
      type="button"
      className={look.filter(Boolean).join(" ")}
      aria-keyshortcuts={hint}
      onClick={() => vote(label)}
    >
      {hint && <kbd>{hint}</kbd>}
      <span className={css.name}>{name}</span>
      {isSuggested && <Hint confidence={lease.prelabel?.confidence ?? null} />}
    </button>
  );
}

function Hint({ confidence }: { confidence: number | null }) {
  return (
    <span className={css.hint}>
      <Icon name="suggestion" size={14} />
      <span>{texts.detector}</span>
      {confidence !== null && <b>{en.percent(confidence)}</b>}
    </span>
  );
}
