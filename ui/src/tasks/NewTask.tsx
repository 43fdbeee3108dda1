import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiProblem, api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { en } from "../texts/en";
import { newTask as texts } from "../texts/en.newTask";
import { DropZone } from "../upload/DropZone";
import { Selected } from "../upload/Selected";
import { upload } from "../upload/uploads";
import { useSelection } from "../upload/useSelection";
import { type Draft, fieldOf, newDraft, requestOf } from "./draft";
import { LabelEditor } from "./LabelEditor";
import { labelFaults } from "./labels";
import css from "./newTask.module.css";
import { OperatorChoice } from "./Operators";
import { expectedCost } from "./quorum";
import { Settled, Slider } from "./Settled";
import { taskKey } from "./useTask";

export default function NewTask() {
  const me = useMe();
  const [draft, setDraft] = useState(() => newDraft(me.detector));
  const [isSealed, setSealed] = useState(true);
  const pictures = useSelection();
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
        <section className={css.card} aria-labelledby="part-terms">
          <h2 id="part-terms">
            <b>1</b>
            {texts.parts.terms}
          </h2>
          <Terms draft={draft} wrong={wrong} change={setDraft} />
        </section>
        <section className={css.card} aria-labelledby="part-pictures">
          <h2 id="part-pictures">
            <b>2</b>
            {texts.parts.pictures}
          </h2>
          <DropZone take={pictures.take} />
          <Selected {...pictures} />
          <label className={css.check}>
            <input type="checkbox" checked={isSealed} onChange={() => setSealed(!isSealed)} />
            <span>
              {texts.seal}
              <small>{texts.sealDetail}</small>
            </span>
          </label>
        </section>
        <section className={css.card} aria-labelledby="part-settled">
          <h2 id="part-settled">
            <b>3</b>
            {texts.parts.settled}
          </h2>
          <Settled draft={draft} wrong={wrong} change={setDraft} />
          <Cost draft={draft} images={pictures.selection.ready.length} />
        </section>
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
      <LabelEditor
        labels={draft.labels}
        allowUnsure={draft.allow_unsure}
        wrong={wrong.get("labels")}
        change={(labels) => change({ ...draft, labels })}
      />
      <label className={css.check}>
        <input
          type="checkbox"
          checked={draft.allow_unsure}
          onChange={() => change({ ...draft, allow_unsure: !draft.allow_unsure })}
        />
        <span>{texts.unsure}</span>
      </label>
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

function Cost({ draft, images }: { draft: Draft; images: number }) {
  const [alike, setAlike] = useState(0.85);
  const { quorum, labels, allow_unsure } = useDeferredValue(draft);
  const cost = useMemo(
    () => expectedCost(quorum, { labels: Math.max(labels.length, 2), alike, allowUnsure: allow_unsure }),
    [quorum, labels.length, alike, allow_unsure],
  );
  const isLess = cost.votes < quorum.votes_required - 0.05;
  return (
    <div className={css.cost}>
      <h3>{texts.cost.title}</h3>
      <p>
        <strong>
          {isLess
            ? texts.cost.each(cost.votes, quorum.votes_required)
            : texts.cost.exactly(Math.round(cost.votes * 10) / 10)}
        </strong>
        {images > 0 && <> {texts.cost.all(cost.votes * images, images)}</>}
        {cost.disputed >= 0.005 && <> {texts.cost.disputed(cost.disputed)}</>}
      </p>
      <Slider id="alike" title={texts.cost.alike} value={alike} says={texts.cost.alikeSays(alike)} set={setAlike} />
    </div>
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
  if (draft.labels.length === 0) missing.set("labels", texts.labels.none);
  const [fault] = labelFaults(draft.labels, draft.allow_unsure).values();
  if (fault) missing.set("labels", texts.labels.faults[fault]);
  return missing;
}
