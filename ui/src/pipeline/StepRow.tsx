import { type KeyboardEvent, useEffect, useState } from "react";
import { Icon } from "../marks/Icon";
import { IconButton } from "../shell/Button";
import { pipeline as texts } from "../texts/en.pipeline";
import { Fields } from "./Fields";
import { faultOf, type Step } from "./operations";
import css from "./pipeline.module.css";
import type { StepShown } from "./usePreview";

const PICTURES_SHOWN = 8;

interface StepRowProps {
  step: Step;
  place: number;
  isLast: boolean;
  /** What it makes of the sample; absent where that was not tried. */
  shown: StepShown | undefined;
  wrong: string | undefined;
  isDragging: boolean;
  change: (step: Step) => void;
  move: (by: number) => void;
  remove: () => void;
  drag: () => void;
  drop: () => void;
}

/** One step: its name, its fields, what it makes of the sample, and what is wrong with it. */
export function StepRow({
  step,
  place,
  isLast,
  shown,
  wrong,
  isDragging,
  change,
  move,
  remove,
  drag,
  drop,
}: StepRowProps) {
  const { name } = step.operation;
  const title = texts.operation(name);
  const fault = faultOf(step);
  const isTried = fault === null && shown !== undefined && shown.images.length > 0;
  const says = wrong ?? (fault ? faultText(fault) : isTried ? null : shown?.error);
  const pressed = (event: KeyboardEvent) => {
    const by = event.altKey ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : undefined;
    if (by === undefined) return;
    event.preventDefault();
    move(by);
  };
  return (
    <li
      id={`step-${place}`}
      className={css.step}
      tabIndex={-1}
      aria-label={texts.place(place + 1, title)}
      onKeyDown={pressed}
      onDragOver={(event) => isDragging && event.preventDefault()}
      onDrop={(event) => {
        if (!isDragging) return;
        event.preventDefault();
        drop();
      }}
    >
      <header>
        <span
          className={css.handle}
          draggable
          aria-hidden="true"
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = "move";
            drag();
          }}
        >
          {place + 1}
        </span>
        <h3>{title}</h3>
        <IconButton name={texts.up(title)} onClick={() => move(-1)} disabled={place === 0}>
          <Icon name="up" />
        </IconButton>
        <IconButton name={texts.down(title)} onClick={() => move(1)} disabled={isLast}>
          <Icon name="down" />
        </IconButton>
        <IconButton name={texts.remove(title)} onClick={remove}>
          <Icon name="cross" />
        </IconButton>
      </header>
      <Fields step={step} id={`step-${step.key}`} change={change} />
      {texts.says(name) && <p className={css.hint}>{texts.says(name)}</p>}
      {name === "hide" && step.values.with !== "fill" && <p className={css.hint}>{texts.undone}</p>}
      {says && (
        <p className={css.wrong} role="alert">
          <Icon name="warning" size={14} /> <span className={css.said}>{says}</span>
        </p>
      )}
      {isTried && <Made shown={shown} place={place} />}
    </li>
  );
}

function faultText({ argument: { kind, name }, least, most }: NonNullable<ReturnType<typeof faultOf>>): string {
  const field = texts.field(name);
  return kind === "labels" ? texts.faults.labels(field) : texts.faults.number(field, least, most);
}

/** The pictures that a step makes of the sample, as many as have room. */
function Made({ shown, place }: { shown: StepShown; place: number }) {
  const pictures = shown.images.slice(0, PICTURES_SHOWN);
  const [first] = pictures;
  return (
    <div className={css.made}>
      <div className={css.pictures}>
        {pictures.map((picture, position) => (
          <Picture
            // biome-ignore lint/suspicious/noArrayIndexKey: they have no other name
            key={position}
            data={picture.data}
            alt={texts.sample.after(place + 1, position + 1)}
          />
        ))}
        {shown.count > pictures.length && (
          <span className={css.rest}>{texts.sample.more(shown.count - pictures.length)}</span>
        )}
      </div>
      <p className={css.size}>
        <strong>{texts.sample.makes(shown.count)}</strong>
        {first && <span>{texts.sample.size(first.width, first.height)}</span>}
      </p>
      {shown.error && <p className={`${css.hint} ${css.said}`}>{shown.error}</p>}
    </div>
  );
}

/** A JPEG in base64; the page's policy shows pictures of its own making only from blobs. */
function Picture({ data, alt }: { data: string; alt: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const made = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [data]);
  return <img className={css.picture} src={url} alt={alt} />;
}
