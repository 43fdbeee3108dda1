import { Fragment, type ReactNode, useState } from "react";
import type { Lease } from "../api/fields";
import { Icon } from "../marks/Icon";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import { labelKeys } from "./keys";
import css from "./rail.module.css";
import type { Session, View } from "./session";

/** More labels than this get a field to find one by its name. */
const MANY = 24;

interface RailProps {
  session: Session;
  view: View;
  /** The label whose key was just pressed. */
  lit: string | null;
  instruct: () => void;
  children: ReactNode;
}

/** Beside the picture: what is asked, the labels, and how the work goes. */
export function Rail({ session, view, lit, instruct, children }: RailProps) {
  const { lease } = view;
  return (
    <aside className={css.rail} aria-label={texts.labels}>
      {lease ? (
        <Question instructions={lease.instructions} instruct={instruct} />
      ) : (
        <h1 className={css.unseen}>{en.places.label}</h1>
      )}
      {lease && <Labels lease={lease} lit={lit} vote={(label) => session.vote(label)} />}
      <div className={css.acts}>
        {lease?.allow_unsure && <Act name={texts.unsure} hint="U" act={() => session.unsure()} />}
        {lease && <Act name={texts.skip} hint="S" act={() => session.skip()} />}
        <Act name={texts.undo} hint="Z" act={() => void session.undo()} isOff={view.past.length === 0} />
      </div>
      <p className={css.notice} role="status">
        {view.notice}
      </p>
      {children}
      <p className={css.tips}>
        <Tip keys={["H"]} what={texts.tips.hide} />
        <Tip keys={["+", "-"]} what={texts.tips.zoom} />
        <Tip keys={["?"]} what={texts.tips.all} />
      </p>
      <dl className={css.pace}>
        <Figure name={texts.today}>{en.number(view.today)}</Figure>
        <Figure name={texts.pace}>
          {Math.round(view.perMinute)}
          <small>{texts.perMinute}</small>
        </Figure>
        <Figure name={texts.yoursFor}>{view.leftMs === null ? "–" : clock(view.leftMs)}</Figure>
      </dl>
    </aside>
  );
}

function Question({ instructions, instruct }: { instructions: string | null; instruct: () => void }) {
  const [first = "", ...rest] = (instructions ?? "").trim().split(/\n+/);
  const isQuestion = first.length > 0 && first.length <= 80;
  const detail = isQuestion ? rest.join(" ") : first;
  return (
    <div className={css.ask}>
      <h1>{isQuestion ? first : texts.question}</h1>
      {detail && <p>{detail}</p>}
      {detail && (
        <button type="button" className={css.full} onClick={instruct}>
          {texts.full}
        </button>
      )}
    </div>
  );
}

function Labels({ lease, lit, vote }: { lease: Lease; lit: string | null; vote: (label: string) => void }) {
  const [find, setFind] = useState("");
  const keys = labelKeys(lease.labels);
  const named = lease.labels.map((label) => ({ label, name: lease.label_names[label] ?? label }));
  const shown = named.filter(({ name }) => name.toLowerCase().includes(find.toLowerCase()));
  return (
    <Fragment>
      {lease.labels.length > MANY && (
        <input
          className={css.find}
          type="search"
          value={find}
          placeholder={texts.find}
          aria-label={texts.find}
          aria-keyshortcuts="/"
          data-find=""
          onChange={(event) => setFind(event.target.value)}
          onKeyDown={(event) => {
            const [only] = shown;
            if (event.key === "Escape") event.currentTarget.blur();
            if (event.key !== "Enter" || !only || find === "") return;
            setFind("");
            event.currentTarget.blur();
            vote(only.label);
          }}
        />
      )}
      <fieldset className={css.keys} aria-label={texts.labels}>
        {shown.map(({ label, name }) => (
          <button
            key={label}
            type="button"
            className={`${css.key} ${lease.prelabel?.label === label ? css.suggested : ""} ${lit === label ? css.lit : ""}`}
            aria-keyshortcuts={keys.get(label)}
            onClick={() => vote(label)}
          >
            {keys.has(label) && <kbd>{keys.get(label)?.toUpperCase()}</kbd>}
            <span className={css.name}>{name}</span>
            {lease.prelabel?.label === label && <Hint confidence={lease.prelabel.confidence} />}
          </button>
        ))}
      </fieldset>
    </Fragment>
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

function Act({ name, hint, act, isOff = false }: { name: string; hint: string; act: () => void; isOff?: boolean }) {
  return (
    <button type="button" className={css.act} onClick={act} disabled={isOff} aria-keyshortcuts={hint}>
      <span>{name}</span>
      <kbd>{hint}</kbd>
    </button>
  );
}

function Tip({ keys, what }: { keys: readonly string[]; what: string }) {
  return (
    <span>
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
      {what}
    </span>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
