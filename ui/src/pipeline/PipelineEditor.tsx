import { type DragEvent, useEffect, useRef, useState } from "react";
import type { Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Menu } from "../shell/Menu";
import { pipeline as texts } from "../texts/en.pipeline";
import { Choice } from "./Choice";
import { newStep, type Operation, type Pipeline, type Step } from "./operations";
import css from "./pipeline.module.css";
import { StepRow } from "./StepRow";
import type { Preview } from "./usePreview";

interface EditorProps {
  operations: Schemas["Operations"];
  pipeline: Pipeline;
  change: (pipeline: Pipeline) => void;
  sample: Sample;
  preview: Preview;
  /** What the platform refused, by field: a step's is `step-` and its place. */
  wrong: ReadonlyMap<string, string>;
}

/** The picture on which the steps are tried. */
export interface Sample {
  file: File | null;
  take: (file: File) => void;
}

/** The steps of a pipeline: put together, put in order, and tried on a sample. */
export function PipelineEditor({ operations, pipeline, change, sample, preview, wrong }: EditorProps) {
  const { steps } = pipeline;
  const keys = useRef(steps.length);
  const [dragged, setDragged] = useState<number | null>(null);
  const stepsBe = (next: readonly Step[]) => change({ ...pipeline, steps: next });
  const add = (operation: Operation) => {
    const key = keys.current++;
    stepsBe([...steps, newStep(operation, key)]);
    requestAnimationFrame(() => document.getElementById(`step-${steps.length}`)?.focus());
  };
  const move = (from: number, to: number) => {
    const focused = document.activeElement;
    const step = steps[from];
    if (!step || to < 0 || to >= steps.length) return;
    stepsBe(steps.toSpliced(from, 1).toSpliced(to, 0, step));
    requestAnimationFrame(() => focused instanceof HTMLElement && focused.focus()); // moving it in the page took focus
  };
  const remove = (place: number) => {
    stepsBe(steps.toSpliced(place, 1));
    const next = steps.length > 1 ? `step-${Math.min(place, steps.length - 2)}` : "add-step";
    requestAnimationFrame(() => document.getElementById(next)?.focus());
  };
  return (
    <div className={css.editor}>
      <SampleChooser {...sample} isUsed={steps.length > 0} />
      {steps.length === 0 && <p className={css.hint}>{texts.none}</p>}
      {steps.length > 0 && (
        <ol className={css.steps} aria-label={texts.steps(steps.length)}>
          {steps.map((step, place) => (
            <StepRow
              key={step.key}
              step={step}
              place={place}
              isLast={place === steps.length - 1}
              shown={preview.shown?.[place]}
              wrong={wrong.get(`step-${place}`) ?? preview.refusals.get(place)}
              change={(next) => stepsBe(steps.with(place, next))}
              move={(by) => move(place, place + by)}
              remove={() => remove(place)}
              drag={() => setDragged(place)}
              drop={() => dragged !== null && move(dragged, place)}
              isDragging={dragged !== null}
            />
          ))}
        </ol>
      )}
      <p className={css.hint} role="status">
        {preview.error && texts.sample.failed(preview.error.message)}
        {preview.isLooking && steps.length > 0 && texts.sample.looking}
      </p>
      <div className={css.adding}>
        {steps.length < operations.max_operations ? (
          <Menu
            id="add-step"
            items={operations.operations.map((operation) => ({
              name: texts.operation(operation.name),
              act: () => add(operation),
            }))}
          >
            {texts.add}
          </Menu>
        ) : (
          <p className={css.hint}>{texts.most(operations.max_operations)}</p>
        )}
        {steps.length > 1 && <p className={css.hint}>{texts.moving}</p>}
      </div>
      {wrong.has("add-step") && (
        <p className={css.wrong} role="alert">
          {wrong.get("add-step")}
        </p>
      )}
      {steps.length > 0 && (
        <>
          <Output pipeline={pipeline} change={change} />
          <label className={css.alone}>
            <input
              className={css.tick}
              type="checkbox"
              checked={pipeline.isAlone}
              onChange={() => change({ ...pipeline, isAlone: !pipeline.isAlone })}
            />
            <span>
              {texts.alone}
              <small>{texts.aloneDetail}</small>
            </span>
          </label>
        </>
      )}
    </div>
  );
}

function SampleChooser({ file, take, isUsed }: Sample & { isUsed: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const url = useObjectUrl(file);
  if (!isUsed) return null;
  const dropped = (event: DragEvent) => {
    const [first] = event.dataTransfer.files;
    if (!first) return; // a step that is moved
    event.preventDefault();
    take(first);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a drop is for the mouse alone; the button does the same
    <div className={css.sample} onDragOver={(event) => event.preventDefault()} onDrop={dropped}>
      {url && file ? (
        <figure>
          <img src={url} alt={texts.sample.before(file.name)} />
          <figcaption>
            <b>{texts.sample.title}</b>
            <span>{file.name}</span>
          </figcaption>
        </figure>
      ) : (
        <p className={css.hint}>{texts.sample.hint}</p>
      )}
      <Button isCompact onClick={() => input.current?.click()}>
        {file ? texts.sample.another : texts.sample.choose}
      </Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={texts.sample.title}
        onChange={(event) => {
          const [first] = event.target.files ?? [];
          if (first) take(first);
          event.target.value = "";
        }}
      />
    </div>
  );
}

/** An address of a file for as long as it is shown. */
function useObjectUrl(file: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = file && URL.createObjectURL(file);
    setUrl(made);
    return () => {
      if (made) URL.revokeObjectURL(made);
    };
  }, [file]);
  return url;
}

const OUTPUTS = ["png", "jpg"] as const;

function Output({ pipeline, change }: Pick<EditorProps, "pipeline" | "change">) {
  const { output, quality } = pipeline;
  return (
    <>
      <div className={css.output}>
        <Choice
          title={texts.output}
          isMain
          name="output"
          options={OUTPUTS.map((one) => [one, texts.outputs[one]])}
          value={output}
          set={(one) => change({ ...pipeline, output: one })}
        />
        {output === "jpg" && (
          <label>
            <span className={css.caption}>{texts.quality}</span>
            <input
              id="quality"
              className={css.number}
              type="number"
              min={1}
              max={100}
              required
              value={Number.isNaN(quality) ? "" : quality}
              onChange={({ target }) => change({ ...pipeline, quality: target.valueAsNumber })}
            />
          </label>
        )}
      </div>
      <p className={css.hint}>{texts.outputSays[output]}</p>
    </>
  );
}
