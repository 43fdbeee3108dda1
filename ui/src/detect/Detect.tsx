import { useMutation, useQuery } from "@tanstack/react-query";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { callerHeaders } from "../api/caller";
import { api, bodyOf, problemOf, type Schemas } from "../api/client";
import { send } from "../api/send";
import { Boxed } from "../marks/Boxed";
import { Button } from "../shell/Button";
import { Copy } from "../shell/Copy";
import { Empty, Failure, Loading } from "../shell/States";
import { auth } from "../shell/who";
import { en } from "../texts/en";
import { detect as texts } from "../texts/en.detect";
import css from "./detect.module.css";
import { type Stage, stagesOf } from "./stages";

const FIRST_CONFIDENCE = 0.25;
const LOAD_EVERY_MS = 5_000;

interface Answer {
  objects: Schemas["DetectionAnswer"]["objects"];
  body: string;
  tookMs: number;
  stages: Stage[];
  asked: number;
}

async function ask(picture: File, confidence: number): Promise<Answer> {
  const began = performance.now();
  const headers = { "Content-Type": "application/octet-stream", ...callerHeaders() };
  const response = await send(`/api/object_detection?confidence=${confidence}`, {
    method: "POST",
    headers,
    body: picture,
  });
  if (!response.ok) throw await problemOf(response);
  const body = await response.text();
  const { objects }: Schemas["DetectionAnswer"] = JSON.parse(body);
  const tookMs = performance.now() - began;
  return { objects, body, tookMs, stages: stagesOf(response.headers.get("Server-Timing"), tookMs), asked: confidence };
}

export default function Detect() {
  const models = useQuery({
    queryKey: ["models"],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/models", { signal })),
    refetchInterval: LOAD_EVERY_MS,
  });
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  if (models.error && !models.data) return <Failure error={models.error} retry={() => models.refetch()} />;
  if (!models.data) return <Loading />;
  if (models.data.models.length === 0) {
    return (
      <Empty title={texts.none}>
        {texts.noneDetail} <code>{texts.command}</code>
      </Empty>
    );
  }
  return <Looking models={models.data} />;
}

function Looking({ models }: { models: Schemas["Models"] }) {
  const [picture, setPicture] = useState<{ file: File; url: string } | null>(null);
  const [least, setLeast] = useState(FIRST_CONFIDENCE);
  const asking = useMutation({ mutationFn: ({ file, from }: { file: File; from: number }) => ask(file, from) });
  const { mutate } = asking;
  const take = (file: File | null | undefined) => {
    if (!file) return;
    if (picture) URL.revokeObjectURL(picture.url);
    setPicture({ file, url: URL.createObjectURL(file) });
    mutate({ file, from: Math.min(least, FIRST_CONFIDENCE) });
  };
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const pasted = ({ clipboardData }: ClipboardEvent) => latest.current(clipboardData?.files[0]);
    addEventListener("paste", pasted);
    return () => removeEventListener("paste", pasted);
  }, []);
  const filter = (from: number) => {
    setLeast(from);
    if (picture && asking.data && from < asking.data.asked) mutate({ file: picture.file, from });
  };
  const objects = (asking.data?.objects ?? []).filter(({ accuracy }) => accuracy >= least);
  const boxes = objects.map(({ label, accuracy, rectangle }) => ({ label, confidence: accuracy, rectangle }));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a drop is for the mouse alone; the button does the same
    <div
      className={css.page}
      onDragOver={(event: DragEvent) => event.preventDefault()}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        take(event.dataTransfer.files[0]);
      }}
    >
      <div className={css.picture}>
        {picture && !asking.error ? (
          <Boxed src={picture.url} alt={picture.file.name} boxes={boxes} />
        ) : (
          <DropHere take={take} />
        )}
      </div>
      <aside className={css.rail}>
        <h1>{texts.title}</h1>
        <Model models={models} />
        {picture && !asking.error && <Choose name={texts.another} take={take} />}
        {asking.error && <Failure error={asking.error} />}
        {asking.isPending && <p role="status">{texts.looking}</p>}
        {asking.data && (
          <>
            <label className={css.least} htmlFor="least">
              {texts.confidence} <output htmlFor="least">{texts.least(least)}</output>
            </label>
            <input
              id="least"
              type="range"
              min={5}
              max={100}
              value={Math.round(least * 100)}
              onChange={(event) => filter(event.target.valueAsNumber / 100)}
            />
            <h2 aria-live="polite">{texts.found(objects.length)}</h2>
            {objects.length === 0 && <p>{texts.nothing}</p>}
            <ul className={css.objects}>
              {objects.map(({ label, accuracy, rectangle }) => (
                <li key={`${label} ${rectangle.left} ${rectangle.top} ${accuracy}`}>
                  <span>{label}</span>
                  <i style={{ inlineSize: `${accuracy * 80}px` }} />
                  <b>{en.percent(accuracy)}</b>
                </li>
              ))}
            </ul>
            <p className={css.times}>
              {texts.total(asking.data.tookMs)}
              {asking.data.stages.map(({ name, ms }) => (
                <span key={name}>{texts.stage(name, ms)}</span>
              ))}
            </p>
            <div className={css.copy}>
              <Copy name={texts.json} text={asking.data.body} />
              <Copy name={texts.curl} text={curl(picture?.file.name ?? "picture.jpg", asking.data.asked)} />
            </div>
          </>
        )}
      </aside>
    </div>
  );
}

function curl(name: string, confidence: number): string {
  const quoted = `'@${name.replaceAll("'", `'\\''`)}'`;
  const key = auth.get() === "on" ? `-H "Authorization: Bearer $QUORATE_KEY" ` : "";
  return `curl ${key}-H 'Content-Type: application/octet-stream' --data-binary ${quoted} '${location.origin}/api/object_detection?confidence=${confidence}'`;
}

function Model({ models: { models, load } }: { models: Schemas["Models"] }) {
  return (
    <ul className={css.models}>
      {models.map(({ name, input_width, input_height, classes, voter }) => (
        <li key={voter}>{texts.model(name, input_width, input_height, classes.length)}</li>
      ))}
      {load && <li>{texts.load(load.waiting, load.threads)}</li>}
    </ul>
  );
}

type Take = (file: File | null | undefined) => void;

function DropHere({ take }: { take: Take }) {
  return (
    <div className={css.drop}>
      <strong>{texts.drop}</strong>
      <p>{texts.detail}</p>
      <Choose name={texts.choose} take={take} />
    </div>
  );
}

function Choose({ name, take }: { name: string; take: Take }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button onClick={() => input.current?.click()}>{name}</Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={texts.picture}
        onChange={(event) => {
          take(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
    </>
  );
}
