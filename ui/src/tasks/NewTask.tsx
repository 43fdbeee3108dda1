import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiProblem, api, bodyOf } from "../api/client";
import { factorFor } from "../pipeline/operations";
import { PipelineEditor } from "../pipeline/PipelineEditor";
import { useOperations } from "../pipeline/useOperations";
import { usePreview } from "../pipeline/usePreview";
import { useSample } from "../pipeline/useSample";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { en } from "../texts/en";
import { newTask as texts } from "../texts/en.newTask";
import { pipeline as pipelineTexts } from "../texts/en.pipeline";
import { DropZone } from "../upload/DropZone";
import { Selected } from "../upload/Selected";
import { upload } from "../upload/uploads";
import { useSelection } from "../upload/useSelection";
import { Cost } from "./Cost";
import { type Draft, fieldOf, isUnlabeled, newDraft, requestOf } from "./draft";
import { LabelEditor } from "./LabelEditor";
import { labelFaults } from "./labels";
import css from "./newTask.module.css";
import { OperatorChoice } from "./Operators";
import { Settled } from "./Settled";
import { taskKey } from "./useTask";

export default function NewTask() {
  const me = useMe();
  const [draft, setDraft] = useState(() => newDraft(me.detector));
  const [isSealed, setSealed] = useState(true);
  const pictures = useSelection();
  const operations = useOperations();
  const sample = useSample(pictures.selection.picture);
  const preview = usePreview(draft.pipeline.steps, sample.file);
  const { wrong, failure, isBusy, create } = useCreate();
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  const chosen = pictures.selection.ready.length + pictures.selection.refused.length;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const isWithUpload = (event.nativeEvent as SubmitEvent).submitter?.getAttribute("value") !== "only";
    await create(draft, async (id) => {
      if (isWithUpload && chosen > 0) void upload(id, pictures.selection, isSealed, false);
    });
  };
  return (
    <form className={css.page} onSubmit={submit} noValidate>
      <h1>{texts.title}</h1>
      <div className={css.columns}>
        <Part id="terms" number={1} title={texts.parts.terms}>
          <Terms draft={draft} wrong={wrong} change={setDraft} />
        </Part>
        <div className={css.column}>
          <Part id="pictures" number={2} title={texts.parts.pictures}>
            <DropZone take={pictures.take} />
            <Selected {...pictures} />
            <Check title={texts.seal} detail={texts.sealDetail} value={isSealed} set={setSealed} />
          </Part>
          {operations && (
            <Part id="pipeline" number={3} title={pipelineTexts.title}>
              <PipelineEditor
                operations={operations}
                pipeline={draft.pipeline}
                change={(pipeline) => setDraft({ ...draft, pipeline })}
                sample={sample}
                preview={preview}
                wrong={wrong}
              />
            </Part>
          )}
        </div>
        <Part id="settled" number={operations ? 4 : 3} title={texts.parts.settled}>
          {isUnlabeled(draft) ? (
            <p className={css.hint}>{texts.unlabeled}</p>
          ) : (
            <>
              <Settled draft={draft} wrong={wrong} change={setDraft} />
              <Cost
                draft={draft}
                pictures={pictures.selection.ready.length}
                factor={factorFor(draft.pipeline, preview.shown)}
              />
            </>
          )}
        </Part>
      </div>
      <footer className={css.foot}>
        {failure && (
          <p className={css.wrong} role="alert">
            {failure}
          </p>
        )}
        {!failure && chosen === 0 && !pictures.isLooking && <p className={css.hint}>{texts.noPictures}</p>}
        <Button type="submit" value="only" disabled={isBusy}>
          {texts.createOnly}
        </Button>
        <Button type="submit" look="primary" disabled={isBusy || pictures.isLooking || chosen === 0}>
          {isBusy ? texts.creating : texts.create}
        </Button>
      </footer>
    </form>
  );
}

interface PartProps {
  id: string;
  number: number;
  title: string;
  children: ReactNode;
}

function Part({ id, number, title, children }: PartProps) {
  return (
    <section className={css.card} aria-labelledby={`part-${id}`}>
      <h2 id={`part-${id}`}>
        <b>{number}</b>
        {title}
      </h2>
      {children}
    </section>
  );
}

interface CheckProps {
  title: string;
  detail?: string;
  value: boolean;
  set: (value: boolean) => void;
}

function Check({ title, detail, value, set }: CheckProps) {
  return (
    <label className={css.check}>
      <input type="checkbox" checked={value} onChange={() => set(!value)} />
      <span>
        {title}
        {detail && <small>{detail}</small>}
      </span>
    </label>
  );
}

interface TermsProps {
  draft: Draft;
  wrong: ReadonlyMap<string, string>;
  change: (draft: Draft) => void;
}

function Terms({ draft, wrong, change }: TermsProps) {
  return (
    <>
      <div className={css.field}>
        <label htmlFor="name">{texts.name}</label>
        <input
          id="name"
          maxLength={200}
          value={draft.name}
          aria-invalid={wrong.has("name")}
          aria-describedby="name-wrong"
          onChange={(event) => change({ ...draft, name: event.target.value })}
        />
        <p id="name-wrong" className={css.wrong}>
          {wrong.get("name")}
        </p>
      </div>
      {!isUnlabeled(draft) && <ForPeople draft={draft} wrong={wrong} change={change} />}
    </>
  );
}

/** What the people who label have to know, and who they are. */
function ForPeople({ draft, wrong, change }: TermsProps) {
  return (
    <>
      <LabelEditor
        labels={draft.labels}
        allowUnsure={draft.allow_unsure}
        wrong={wrong.get("labels")}
        change={(labels) => change({ ...draft, labels })}
      />
      <Check
        title={texts.unsure}
        value={draft.allow_unsure}
        set={(allow_unsure) => change({ ...draft, allow_unsure })}
      />
      <OperatorChoice
        invited={draft.operators}
        wrong={wrong.get("operators")}
        change={(operators) => change({ ...draft, operators })}
      />
      <div className={css.field}>
        <label htmlFor="instructions">{texts.instructions}</label>
        <textarea
          id="instructions"
          rows={5}
          maxLength={10_000}
          value={draft.instructions}
          aria-describedby="instructions-hint"
          onChange={(event) => change({ ...draft, instructions: event.target.value })}
        />
        <p id="instructions-hint" className={css.hint}>
          {texts.instructionsHint}
        </p>
      </div>
    </>
  );
}

/** Makes the task once, however often the button is pressed, and says which fields are wrong. */
function useCreate() {
  const key = useRef(newKey());
  const [wrong, setWrong] = useState<ReadonlyMap<string, string>>(new Map());
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const refuse = (fields: ReadonlyMap<string, string>, why: string) => {
    setWrong(fields);
    setFailure(why);
    const first = [...fields.keys()][0];
    if (first) requestAnimationFrame(() => document.getElementById(first)?.focus());
  };
  const create = async (draft: Draft, created: (id: string) => Promise<void>) => {
    const missing = missingIn(draft);
    if (missing.size > 0) return refuse(missing, texts.wrong);
    setBusy(true);
    try {
      const task = bodyOf(
        await api.POST("/api/tasks", {
          params: { header: { "idempotency-key": key.current } },
          body: requestOf(draft),
        }),
      );
      client.setQueryData(taskKey(task.id), task);
      void client.invalidateQueries({ queryKey: ["tasks"] });
      await created(task.id);
      navigate(`/tasks/${task.id}`);
    } catch (error) {
      const problem = error instanceof ApiProblem ? error : null;
      // Refused: no task has the key. Without an answer one may, and the same request again would find it.
      if (problem && problem.status >= 400 && problem.status < 500) key.current = newKey();
      refuse(
        new Map(problem?.fields.map(({ pointer, detail }) => [fieldOf(pointer), detail])),
        String((error as Error).message),
      );
    } finally {
      setBusy(false);
    }
  };
  return { wrong, failure, isBusy, create };
}

/** Not `randomUUID`, which browsers keep from pages that came without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function missingIn(draft: Draft): Map<string, string> {
  const missing = new Map<string, string>();
  if (!draft.name.trim()) missing.set("name", texts.nameNeeded);
  if (isUnlabeled(draft)) return missing;
  if (draft.labels.length === 0) missing.set("labels", texts.labels.none);
  const [fault] = labelFaults(draft.labels, draft.allow_unsure).values();
  if (fault) missing.set("labels", texts.labels.faults[fault]);
  return missing;
}
