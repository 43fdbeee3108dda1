import { type KeyboardEvent, lazy, Suspense, useState } from "react";
import type { Lease } from "../api/fields";
import { useKey, useLabelKeys } from "../shell/Key";
import { label as texts } from "../texts/en.label";
import { found, type Named, named } from "./find";
import { LabelButton } from "./LabelButton";
import css from "./rail.module.css";

/** More labels than this get a field to find one by its name, and the recent ones on top. */
const MANY = 24;
/** More than this are in the document only near the screen. */
const VERY_MANY = 100;
const RECENT_SHOWN = 5;

const LongList = lazy(() => import("./LongList"));

interface LabelsProps {
  lease: Lease;
  /** The label whose key was just pressed. */
  lit: string | null;
  /** Labels of the last votes, newest first. */
  recent: readonly string[];
  vote: (label: string) => void;
}

export function Labels(props: LabelsProps) {
  const all = named(props.lease);
  return all.length > MANY ? <Many {...props} all={all} /> : <List {...props} labels={all} name={texts.labels} />;
}

function Many({ all, ...props }: LabelsProps & { all: readonly Named[] }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const labels = found(all, text);
  const isFinding = text.trim() !== "";
  const at = isFinding ? labels[Math.min(chosen, labels.length - 1)] : undefined;
  const recent = all.filter(({ label }) => props.recent.slice(0, RECENT_SHOWN).includes(label));
  const search = (wanted: string) => {
    setText(wanted);
    setChosen(0);
  };
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setChosen((before) => Math.min(Math.max(before + by, 0), Math.max(labels.length - 1, 0)));
    else if (event.key === "Escape" || (event.key === "Enter" && at)) {
      event.currentTarget.blur();
      search("");
      if (event.key === "Enter" && at) props.vote(at.label);
    } else return;
    event.preventDefault();
  };
  const key = useKey("find");
  const shown = { ...props, labels, at: at?.label, name: texts.labels };
  return (
    <>
      <label className={css.find}>
        <kbd>{key}</kbd>
        <input
          type="search"
          value={text}
          placeholder={texts.find}
          aria-label={texts.find}
          aria-keyshortcuts={key}
          aria-describedby="found"
          data-find=""
          onChange={(event) => search(event.target.value)}
          onKeyDown={pressed}
        />
      </label>
      <p id="found" className={css.unseen} role="status">
        {isFinding && texts.found(labels.length, at?.name)}
      </p>
      {!isFinding && recent.length > 0 && <List {...props} labels={recent} name={texts.recent} isRecent />}
      {labels.length > VERY_MANY ? (
        <Suspense fallback={null}>
          <LongList {...shown} />
        </Suspense>
      ) : (
        <List {...shown} />
      )}
    </>
  );
}

export interface ListProps extends Omit<LabelsProps, "recent"> {
  labels: readonly Named[];
  name: string;
  /** The label that Enter votes in the field above. */
  at?: string | undefined;
  isRecent?: boolean;
}

function List({ labels, name, isRecent, ...props }: ListProps) {
  const keys = useLabelKeys();
  return (
    <fieldset
      className={css.keys}
      aria-label={name}
      data-recent={isRecent || undefined}
      data-two={labels.length === 2 || undefined}
    >
      {isRecent && <legend>{name}</legend>}
      {labels.map((one) => (
        <LabelButton key={one.label} {...props} {...one} hint={keys[props.lease.labels.indexOf(one.label)]} />
      ))}
    </fieldset>
  );
}
