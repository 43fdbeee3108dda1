import { useEffect, useRef, useState } from "react";
import { Icon } from "../marks/Icon";
import { IconButton } from "../shell/Button";
import { Key } from "../shell/Key";
import { Segments } from "../shell/Segments";
import { en } from "../texts/en";
import { tasks } from "../texts/en.tasks";
import { type Change, DECIDERS, type Filter, ORDERS, statesOf } from "./filter";
import css from "./filters.module.css";
import type { Task } from "./streams";
import { shownAs } from "./Tile";

const texts = tasks.grid;
const TYPED_MS = 250;

interface FiltersProps {
  task: Task;
  filter: Filter;
  change: (part: Change) => void;
}

/** What the grid below shows, and in which order. */
export function Filters({ task, filter, change }: FiltersProps) {
  const counts = { ...task.counts, all: task.counts.images };
  const isLabeled = task.quorum.votes_required > 0;
  return (
    <div className={css.filters}>
      <Segments label={texts.state} className={css.states}>
        {[null, ...statesOf(task)].map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={(filter.state ?? null) === state}
            onClick={() => change({ state })}
          >
            {state === "completed" && !isLabeled ? texts.done : texts.states[state ?? "all"]}{" "}
            <b>{en.number(counts[state ?? "all"])}</b>
          </button>
        ))}
      </Segments>
      {isLabeled && (
        <>
          <Choice
            id="filter"
            name={texts.label}
            any={texts.anyLabel}
            value={filter.label}
            options={task.labels.map((label) => [label, shownAs(task, label)])}
            choose={(label) => change({ label })}
          />
          <Choice
            name={texts.decidedBy}
            any={texts.anyDecider}
            value={filter.decided_by}
            options={DECIDERS.filter((one) => one !== "pipeline").map((one) => [one, texts.deciders[one]])}
            choose={(one) => change({ decided_by: DECIDERS.find((known) => known === one) ?? null })}
          />
        </>
      )}
      <Chips task={task} filter={filter} change={change} />
      <FindFile wanted={filter.filename ?? ""} find={(filename) => change({ filename })} />
      <Choice
        name={texts.order}
        value={filter.order ?? "id"}
        options={ORDERS.filter((one) => filter.state !== "open" || !isByAgreement(one)).map((one) => [
          one,
          texts.orders[one],
        ])}
        choose={(one) => change({ order: ORDERS.find((known) => known === one && one !== "id") ?? null })}
      />
    </div>
  );
}

function isByAgreement(order: (typeof ORDERS)[number]): boolean {
  return order === "uncertain" || order === "confident";
}

interface ChoiceProps {
  id?: string;
  name: string;
  any?: string;
  value: string | null | undefined;
  options: readonly (readonly [string, string])[];
  choose: (value: string | null) => void;
}

function Choice({ id, name, any, value, options, choose }: ChoiceProps) {
  return (
    <select id={id} aria-label={name} value={value ?? ""} onChange={(event) => choose(event.target.value || null)}>
      {any && <option value="">{any}</option>}
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** Filters that the panels above have set, each with a way to take it away. */
function Chips({ task, filter, change }: FiltersProps) {
  const { suggested, against_detector: against, agreement_from: from, agreement_below: below } = filter;
  const chips: [string, Change][] = [];
  if (suggested) chips.push([texts.suggested(shownAs(task, suggested)), { suggested: null }]);
  if (against != null) chips.push([against ? texts.against : texts.alike, { against_detector: null }]);
  if (from != null || below != null)
    chips.push([texts.agreement(from ?? 0, below ?? 1), { agreement_from: null, agreement_below: null }]);
  return chips.map(([text, without]) => (
    <span key={text} className={css.chip}>
      {text}
      <IconButton name={texts.without(text)} onClick={() => change(without)}>
        <Icon name="cross" size={14} />
      </IconButton>
    </span>
  ));
}

/** What file names begin with; asked for once typing pauses. */
function FindFile({ wanted, find }: { wanted: string; find: (filename: string) => void }) {
  const [typed, setTyped] = useState(wanted);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setTyped(wanted), [wanted]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label className={css.find}>
      <Key act="find" />
      <input
        id="find-file"
        type="search"
        maxLength={200}
        placeholder={texts.find}
        aria-label={texts.find}
        value={typed}
        onChange={({ target: { value } }) => {
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => find(value), TYPED_MS);
        }}
      />
    </label>
  );
}
