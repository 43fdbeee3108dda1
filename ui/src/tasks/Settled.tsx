import type { ReactNode } from "react";
import { Icon } from "../marks/Icon";
import { Button, IconButton } from "../shell/Button";
import { useMe } from "../shell/me";
import { en } from "../texts/en";
import { newTask as texts } from "../texts/en.newTask";
import { type Draft, EXTENSION, MOST_VOTES, orderOf, ordersOf, withQuorum, withVotes } from "./draft";
import css from "./newTask.module.css";

interface SettledProps {
  draft: Draft;
  wrong: ReadonlyMap<string, string>;
  change: (draft: Draft) => void;
}

const STOPS = ["settled", "exact", "lead"] as const;
const MODES = ["suggest", "off", "vote", "accept"] as const;

/** The quorum policy and the detector policy; each setting says in a sentence what it does. */
export function Settled({ draft, wrong, change }: SettledProps) {
  const { quorum, detector } = draft;
  const { detector: hasDetector } = useMe();
  const quorumBe = (part: Partial<Draft["quorum"]>) => change(withQuorum(draft, part));
  const detectorBe = (part: Partial<Draft["detector"]>) => change({ ...draft, detector: { ...detector, ...part } });
  return (
    <>
      <Stepper
        id="votes_required"
        title={texts.votes.title}
        value={quorum.votes_required}
        least={1}
        most={MOST_VOTES}
        says={texts.votes.says(quorum.votes_required)}
        wrong={wrong.get("votes_required")}
        set={(votes) => change(withVotes(draft, votes))}
      />
      {quorum.votes_required > 1 && (
        <Button isCompact className={css.alone ?? ""} onClick={() => change(withVotes(draft, 1))}>
          {texts.votes.alone}
        </Button>
      )}
      <Choice
        name="stop"
        title={texts.stop.title}
        options={STOPS.map((stop) => [stop, texts.stop.options[stop]] as const)}
        value={quorum.stop}
        says={texts.stop.says[quorum.stop](quorum.votes_required, quorum.lead)}
        set={(stop) => quorumBe({ stop })}
      />
      {quorum.stop === "lead" && (
        <Stepper
          id="lead"
          title={texts.stop.lead}
          value={quorum.lead}
          least={1}
          most={quorum.max_votes}
          wrong={wrong.get("lead")}
          set={(lead) => quorumBe({ lead })}
        />
      )}
      <Stepper
        id="max_votes"
        title={texts.most.title}
        value={quorum.max_votes}
        least={quorum.votes_required}
        most={quorum.votes_required + Math.max(EXTENSION, MOST_VOTES)}
        says={texts.most.says(quorum.votes_required, quorum.max_votes)}
        wrong={wrong.get("max_votes")}
        set={(max_votes) => quorumBe({ max_votes })}
      />
      <Slider
        id="min_agreement"
        title={texts.agreement.title}
        value={quorum.min_agreement}
        says={texts.agreement.says(quorum.min_agreement)}
        set={(min_agreement) => quorumBe({ min_agreement })}
      />
      <Choice
        name="mode"
        title={texts.detector.title}
        options={MODES.map((mode) => [mode, texts.detector.options[mode]] as const)}
        value={detector.mode}
        says={`${hasDetector ? "" : `${texts.detector.none} `}${texts.detector.says[detector.mode](detector.accept_confidence)}`}
        set={(mode) => detectorBe({ mode })}
      />
      {detector.mode === "accept" && (
        <Slider
          id="accept_confidence"
          title={texts.detector.sure}
          value={detector.accept_confidence}
          set={(accept_confidence) => detectorBe({ accept_confidence })}
        />
      )}
      {detector.mode !== "off" && (
        <Slider
          id="audit_share"
          title={texts.detector.audit}
          value={detector.audit_share}
          says={texts.detector.auditSays(detector.audit_share)}
          set={(audit_share) => detectorBe({ audit_share })}
        />
      )}
      <Choice
        name="order"
        title={texts.order.title}
        options={ordersOf(draft).map((order) => [order, texts.order.options[order]] as const)}
        value={orderOf(draft)}
        says={texts.order.says[orderOf(draft)]}
        set={(order) => change({ ...draft, order })}
      />
    </>
  );
}

interface Setting {
  title: string;
  says?: string;
  wrong?: string | undefined;
}

interface StepperProps extends Setting {
  id: string;
  value: number;
  least: number;
  most: number;
  set: (value: number) => void;
}

function Stepper({ id, title, value, least, most, says, wrong, set }: StepperProps) {
  return (
    <div className={css.field}>
      <div className={css.inline}>
        <label htmlFor={id}>{title}</label>
        <div className={css.stepper}>
          <IconButton name={texts.fewer(title)} disabled={value <= least} onClick={() => set(value - 1)}>
            <Icon name="minus" />
          </IconButton>
          <input
            id={id}
            type="number"
            inputMode="numeric"
            min={least}
            max={most}
            value={value}
            aria-describedby={`${id}-says`}
            aria-invalid={wrong !== undefined}
            onChange={(event) => event.target.value !== "" && set(event.target.valueAsNumber)}
          />
          <IconButton name={texts.oneMore(title)} disabled={value >= most} onClick={() => set(value + 1)}>
            <Icon name="plus" />
          </IconButton>
        </div>
      </div>
      <Says id={`${id}-says`} wrong={wrong}>
        {says}
      </Says>
    </div>
  );
}

interface ChoiceProps<Value extends string> extends Setting {
  name: string;
  options: readonly (readonly [Value, string])[];
  value: Value;
  set: (value: Value) => void;
}

function Choice<Value extends string>({ name, title, options, value, says, set }: ChoiceProps<Value>) {
  return (
    <fieldset className={css.field}>
      <legend>{title}</legend>
      <div className={css.choice}>
        {options.map(([option, text]) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => set(option)} />
            {text}
          </label>
        ))}
      </div>
      <Says>{says}</Says>
    </fieldset>
  );
}

interface SliderProps extends Setting {
  id: string;
  value: number;
  set: (share: number) => void;
}

export function Slider({ id, title, value, says, set }: SliderProps) {
  return (
    <div className={css.field}>
      <div className={css.inline}>
        <label htmlFor={id}>{title}</label>
        <output htmlFor={id}>{en.percent(value)}</output>
      </div>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={1}
        value={Math.round(value * 100)}
        aria-describedby={says && `${id}-says`}
        onChange={(event) => set(event.target.valueAsNumber / 100)}
      />
      {says && <Says id={`${id}-says`}>{says}</Says>}
    </div>
  );
}

function Says({ id, wrong, children }: { id?: string; wrong?: string | undefined; children?: ReactNode }) {
  return (
    <p id={id} className={wrong ? css.wrong : css.hint}>
      {wrong ?? children}
    </p>
  );
}
