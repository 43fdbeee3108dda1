import css from "./pipeline.module.css";

interface ChoiceProps<One extends string | number> {
  title: string;
  /** Whether it stands for itself, not among the fields of a step. */
  isMain?: boolean;
  name: string;
  options: readonly (readonly [One, string])[];
  value: One;
  set: (value: One) => void;
}

/** One of a few, all of which are in sight. */
export function Choice<One extends string | number>({
  title,
  isMain = false,
  name,
  options,
  value,
  set,
}: ChoiceProps<One>) {
  return (
    <fieldset>
      <legend className={isMain ? css.title : css.caption}>{title}</legend>
      <div className={css.options}>
        {options.map(([option, text]) => (
          <label key={option} className={css.option}>
            <input
              className={css.radio}
              type="radio"
              name={name}
              checked={option === value}
              onChange={() => set(option)}
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
