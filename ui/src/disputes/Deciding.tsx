import type { RefObject } from "react";
import { Mark } from "../marks/Mark";
import { Button } from "../shell/Button";
import { Key, useLabelKeys } from "../shell/Key";
import { useNames } from "../shell/useNames";
import { consensus } from "../texts/en.consensus";
import { disputes as texts } from "../texts/en.disputes";
import { moment } from "../texts/en.tasks";
import css from "./disputes.module.css";
import { type Dispute, standings } from "./standings";

interface DecidingProps {
  dispute: Dispute;
  label: string | null;
  reason: string;
  reasonField: RefObject<HTMLInputElement | null>;
  isReady: boolean;
  choose: (label: string) => void;
  say: (reason: string) => void;
  go: () => void;
}

/** Who voted for what, and the decision. */
export function Deciding({ dispute, label, reason, reasonField, isReady, choose, say, go }: DecidingProps) {
  const keys = useLabelKeys();
  const shown = (one: string) => dispute.label_names[one] ?? one;
  return (
    <form
      className={css.rail}
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      {dispute.doubt && (
        <p>
          {consensus.doubted(
            methodOf(dispute.doubt.method),
            shown(dispute.doubt.label),
            shown(dispute.result?.label ?? texts.unsure),
          )}
        </p>
      )}
      <Votes dispute={dispute} shown={shown} />
      <fieldset id="decide" className={css.decide} tabIndex={-1}>
        <legend>{texts.decide}</legend>
        <div className={css.keys}>
          {dispute.labels.map((one, position) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === label}
              onClick={(event) => {
                choose(one);
                // Enter then decides, as after a key; a keyboard on the button itself stays there.
                if (event.detail > 0) document.getElementById("decide")?.focus();
              }}
            >
              {keys[position] && <kbd>{keys[position]}</kbd>}
              <span>{shown(one)}</span>
            </button>
          ))}
        </div>
      </fieldset>
      <div className={css.reason}>
        <label htmlFor="reason">
          {texts.reason} <Key act="reason" />
        </label>
        <div className={css.quick}>
          {texts.reasons.map((quick) => (
            <button key={quick} type="button" aria-pressed={quick === reason} onClick={() => say(quick)}>
              {quick}
            </button>
          ))}
        </div>
        <input
          ref={reasonField}
          id="reason"
          maxLength={2000}
          value={reason}
          aria-invalid={reason.trim() === ""}
          aria-describedby="reason-wrong"
          onChange={(event) => say(event.target.value)}
        />
        <p id="reason-wrong" className={css.wrong}>
          {reason.trim() === "" && texts.reasonNeeded}
        </p>
      </div>
      <Button type="submit" look="primary" disabled={!isReady} className={css.go}>
        {label === null ? texts.choose : texts.chosen(shown(label))} {isReady && <Key act="decide" />}
      </Button>
    </form>
  );
}

/** The name of a method, also of one that a later version knows. */
function methodOf(method: string): string {
  return (consensus.method as Record<string, string>)[method] ?? method;
}

function Votes({ dispute, shown }: { dispute: Dispute; shown: (label: string) => string }) {
  const { people, unsure, models } = standings(dispute);
  const named = useNames();
  const columns = [
    ...people.map(({ label, votes }) => ({ name: shown(label), votes })),
    ...(unsure.length > 0 ? [{ name: texts.unsure, votes: unsure }] : []),
  ];
  return (
    <section aria-label={texts.votes}>
      {columns.length === 0 && <p className={css.dim}>{texts.noVotes}</p>}
      <div className={css.standings}>
        {columns.map(({ name, votes }) => (
          <div key={name}>
            <h2>
              {name} <b>{votes.length}</b>
            </h2>
            <ul>
              {votes.map(({ voter, at }) => (
                <li key={voter}>
                  {named(voter)} <time dateTime={at}>{moment(at)}</time>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
      {models.map(({ voter, label }) => (
        <p key={voter} className={css.model}>
          <Mark state="detector" needed={1} agreeing={1} size={16} />
          {texts.detector}: {label === null ? texts.unsure : shown(label)} <span>{voter}</span>
        </p>
      ))}
    </section>
  );
}
