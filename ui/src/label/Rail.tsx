import type { ReactNode } from "react";
import { Key, useKey } from "../shell/Key";
import type { Act } from "../shell/keymap";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import { questionOf } from "./instructions";
import { Labels } from "./Labels";
import css from "./rail.module.css";
import type { Session } from "./session";
import type { View } from "./view";

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
      {lease && <Labels lease={lease} lit={lit} recent={view.recent} vote={(label) => session.vote(label)} />}
      <div className={css.acts} hidden={!lease && view.past.length === 0}>
        {lease?.allow_unsure && <Deed name={texts.unsure} act="unsure" go={() => session.unsure()} />}
        {lease && <Deed name={texts.skip} act="skip" go={() => session.skip()} />}
        <Deed name={texts.undo} act="undo" go={() => void session.undo()} isOff={view.past.length === 0} />
      </div>
      <p className={css.notice} role="status">
        {view.notice}
      </p>
      {children}
      <p className={css.tips}>
        {lease?.prelabel && <Tip acts={["hide"]} what={texts.tips.hide} />}
        {lease && <Tip acts={["zoomIn", "zoomOut"]} what={texts.tips.zoom} />}
        {view.isGridOffered && <Tip acts={["mode"]} what={texts.tips.grid} />}
        <Tip acts={["help"]} what={texts.tips.all} />
      </p>
      <dl className={css.pace}>
        <Figure name={texts.today}>{en.number(view.today)}</Figure>
        <Figure name={texts.pace}>
          {Math.round(view.perMinute)}
          <small>{texts.perMinute}</small>
        </Figure>
        <Figure name={texts.yoursFor}>{view.leftMs === null ? "–" : texts.clock(view.leftMs)}</Figure>
      </dl>
    </aside>
  );
}

function Question({ instructions, instruct }: { instructions: string | null; instruct: () => void }) {
  const { question, detail } = questionOf(instructions);
  return (
    <div className={css.ask}>
      <h1>{question}</h1>
      {detail && <p>{detail}</p>}
      {detail && (
        <button type="button" className={css.full} onClick={instruct}>
          {texts.full}
        </button>
      )}
    </div>
  );
}

function Deed({ name, act, go, isOff = false }: { name: string; act: Act; go: () => void; isOff?: boolean }) {
  return (
    <button type="button" className={css.act} onClick={go} disabled={isOff} aria-keyshortcuts={useKey(act)}>
      <span>{name}</span>
      <Key act={act} />
    </button>
  );
}

function Tip({ acts, what }: { acts: readonly Act[]; what: string }) {
  return (
    <span>
      {acts.map((act) => (
        <Key key={act} act={act} />
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
