import { useId, useState } from "react";
import { pipeline as texts } from "../texts/en.pipeline";
import { Choice } from "./Choice";
import { type Argument, hasUnit, type Step, sidesOf, sizeOf, type Unit, type Value, withValue } from "./operations";
import css from "./pipeline.module.css";

const UNITS = ["percent", "pixels"] as const satisfies readonly Unit[];

interface FieldsProps {
  step: Step;
  /** What the ids and names of its fields begin with. */
  id: string;
  change: (step: Step) => void;
}

/** The arguments of a step, each as the field that its kind asks for. */
export function Fields({ step, id, change }: FieldsProps) {
  const { operation, values, unit } = step;
  const isInPercent = hasUnit(operation) && unit === "percent";
  if (operation.arguments.length === 0) return null;
  return (
    <div className={css.fields}>
      {operation.arguments.map((argument) => (
        <Field
          key={argument.name}
          argument={argument}
          operation={operation.name}
          name={`${id}-${argument.name}`}
          isInPercent={isInPercent}
          value={values[argument.name] ?? ""}
          set={(value) => change(withValue(step, argument.name, value))}
        />
      ))}
      {hasUnit(operation) && (
        <Choice
          title={texts.unit}
          name={`${id}-unit`}
          options={UNITS.map((one) => [one, texts.units[one]])}
          value={unit}
          set={(one) => change({ ...step, unit: one })}
        />
      )}
    </div>
  );
}

interface FieldProps {
  argument: Argument;
  operation: string;
  name: string;
  isInPercent: boolean;
  value: Value;
  set: (value: Value) => void;
}

function Field({ argument, operation, name, isInPercent, value, set }: FieldProps) {
  const { kind, choices, max } = argument;
  const title = texts.field(argument.name);
  if (kind === "size") return <Size title={title} value={String(value)} set={set} />;
  if (kind === "labels") return <Labels title={title} choices={choices} value={value as readonly string[]} set={set} />;
  if (choices)
    return (
      <Choice
        title={title}
        name={name}
        options={choices.map((one) => [one, operation === "rotate" ? texts.turn(one) : texts.choice(one)])}
        value={value as string | number}
        set={set}
      />
    );
  const number = Number(value);
  if (kind === "number" && max === 1)
    return <NumberField title={title} value={Math.round(number * 100)} max={100} set={(next) => set(next / 100)} />;
  return <NumberField title={title} value={number} max={isInPercent ? 100 : max} set={set} />;
}

interface NumberProps {
  title: string;
  value: number;
  max: number | null | undefined;
  set: (value: number) => void;
}

function NumberField({ title, value, max, set }: NumberProps) {
  const id = useId();
  return (
    <div>
      <label className={css.caption} htmlFor={id}>
        {title}
      </label>
      <input
        id={id}
        className={css.number}
        type="number"
        inputMode="decimal"
        min={0}
        max={max ?? undefined}
        required
        value={Number.isNaN(value) ? "" : value}
        onChange={(event) => set(event.target.valueAsNumber)}
      />
    </div>
  );
}

function Size({ title, value, set }: { title: string; value: string; set: (value: string) => void }) {
  const [width, height] = sidesOf(value);
  const side = (which: "width" | "height", now: number, next: (value: number) => string) => (
    <input
      className={css.number}
      type="number"
      inputMode="numeric"
      min={1}
      max={10_000}
      required
      aria-label={texts.of(title, texts.side[which])}
      value={Number.isNaN(now) ? "" : now}
      onChange={(event) => set(next(event.target.valueAsNumber))}
    />
  );
  return (
    <fieldset>
      <legend className={css.caption}>{title}</legend>
      {side("width", width, (next) => sizeOf(next, height))}
      <span className={css.times} aria-hidden="true">
        ×
      </span>
      {side("height", height, (next) => sizeOf(width, next))}
    </fieldset>
  );
}

interface LabelsProps {
  title: string;
  choices: Argument["choices"];
  value: readonly string[];
  set: (value: readonly string[]) => void;
}

/** Several words; the text stays as it was typed, for a comma at its end is the beginning of the next. */
function Labels({ title, choices, value, set }: LabelsProps) {
  const id = useId();
  const [typed, setTyped] = useState(value.join(", "));
  return (
    <div className={css.wide}>
      <label className={css.caption} htmlFor={id}>
        {title}
      </label>
      <input
        id={id}
        className={css.typed}
        value={typed}
        list={choices ? `${id}-known` : undefined}
        aria-describedby={`${id}-hint`}
        onChange={({ target }) => {
          setTyped(target.value);
          set(wordsOf(target.value));
        }}
      />
      {choices && (
        <datalist id={`${id}-known`}>
          {choices.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      <p id={`${id}-hint`} className={css.hint}>
        {texts.labelsHint}
      </p>
    </div>
  );
}

function wordsOf(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
