import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import adminCss from "../admin/admin.module.css";
import { More } from "../admin/More";
import { Section, Table } from "../admin/Table";
import { Button } from "../shell/Button";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { Failure, Loading } from "../shell/States";
import { useNames } from "../shell/useNames";
import { en } from "../texts/en";
import { consensus as texts } from "../texts/en.consensus";
import { moment } from "../texts/en.tasks";
import css from "./consensus.module.css";
import type { Task } from "./streams";
import { shownAs } from "./Tile";
import {
  METHODS,
  type Method,
  type Run,
  useDiffering,
  usePictures,
  useRuns,
  useSummary,
  useVoters,
} from "./useConsensus";

const USUAL: readonly Method[] = ["majority", "ds", "mace"];

/** Estimates of a task's labels beside its results. */
export default function Consensus({ task }: { task: Task }) {
  const { runs, ask, send } = useRuns(task.id);
  const [query, setQuery] = useSearchParams();
  const chosen = runs.data?.find(({ id }) => id === query.get("run")) ?? runs.data?.[0];
  const wrong = ask.error ?? send.error;
  return (
    <div className={css.consensus}>
      <p className={css.detail}>{texts.detail}</p>
      <Ask isBusy={ask.isPending} ask={(methods) => ask.mutate(methods, { onSuccess: () => setQuery({}) })} />
      {wrong && (
        <p className={css.wrong} role="alert">
          {`${texts.failed}: ${wrong.message}`}
        </p>
      )}
      {!runs.data && (runs.error ? <Failure error={runs.error} retry={runs.refetch} /> : <Loading />)}
      {runs.data?.length === 0 && <p>{texts.none}</p>}
      {chosen && runs.data && <Runs task={task} runs={runs.data} chosen={chosen} />}
      {chosen?.state === "finished" && (
        <Found
          key={chosen.id}
          task={task}
          run={chosen}
          isSending={send.isPending}
          send={(method) => send.mutate({ run: chosen.id, method })}
        />
      )}
    </div>
  );
}

function Ask({ isBusy, ask }: { isBusy: boolean; ask: (methods: Method[]) => void }) {
  const [wanted, setWanted] = useState<readonly Method[]>(USUAL);
  return (
    <form
      className={css.ask}
      onSubmit={(event) => {
        event.preventDefault();
        ask(METHODS.filter((one) => wanted.includes(one)));
      }}
    >
      <fieldset>
        <legend>{texts.methods}</legend>
        {METHODS.map((one) => (
          <label key={one}>
            <input
              type="checkbox"
              checked={wanted.includes(one)}
              onChange={() =>
                setWanted(wanted.includes(one) ? wanted.filter((other) => other !== one) : [...wanted, one])
              }
            />
            {texts.method[one]}
          </label>
        ))}
      </fieldset>
      <Button type="submit" look="primary" disabled={isBusy || wanted.length === 0}>
        {texts.ask}
      </Button>
    </form>
  );
}

function Runs({ task, runs, chosen }: { task: Task; runs: readonly Run[]; chosen: Run }) {
  const named = useNames();
  return (
    <Section title={texts.runs}>
      <Table name={texts.runs} heads={Object.values(texts.runHead)} numbersFrom={4}>
        {runs.map((run) => (
          <tr key={run.id} aria-current={run.id === chosen.id}>
            <th scope="row">
              <Link href={`/tasks/${task.id}/consensus?run=${run.id}`}>{moment(run.asked_at)}</Link>
            </th>
            <td>{named(run.asked_by)}</td>
            <td>{run.methods.map((one) => texts.method[one]).join(", ")}</td>
            <td>
              {texts.state[run.state]}
              {(run.stage ?? run.why) && <span className={adminCss.model}>{run.stage ?? run.why}</span>}
            </td>
            <td className={adminCss.number}>{mostOf(run)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

/** The largest share on which a method of the run differs from the record. */
export function mostOf({ differing }: Pick<Run, "differing">): string {
  const shares = differing.map(({ share }) => share).filter((share) => share !== null);
  return shares.length > 0 ? en.percent(Math.max(...shares)) : "";
}

interface FoundProps {
  task: Task;
  run: Run;
  isSending: boolean;
  send: (method: Method) => void;
}

function Found({ task, run, isSending, send }: FoundProps) {
  const { data: summary, error, refetch } = useSummary(run);
  if (!summary) return error ? <Failure error={error} retry={refetch} /> : <Loading />;
  const { alpha, kappa } = summary.agreement;
  const path = `/api/consensus/${run.id}/export?format=`;
  return (
    <>
      <Section
        title={texts.byMethod}
        action={
          <span className={css.exports}>
            {texts.exports}: <a href={`${path}jsonl`}>JSON Lines</a> <a href={`${path}csv`}>CSV</a>
          </span>
        }
      >
        <p className={css.detail} title={texts.alphaHint}>
          {texts.about(run.images ?? 0, run.votes ?? 0, run.voters ?? 0)} {texts.alpha(alpha)}{" "}
          {kappa !== null && texts.kappa(kappa)} {texts.alphaHint}
        </p>
        <Methods run={run} summary={summary} isSending={isSending} send={send} />
        {summary.left_out_methods.map(({ method, why }) => (
          <p key={method}>{texts.leftOut(texts.method[method], why)}</p>
        ))}
      </Section>
      <Differing task={task} run={run} />
      <Voters run={run} />
    </>
  );
}

type Summary = NonNullable<ReturnType<typeof useSummary>["data"]>;

function Methods({ run, summary, isSending, send }: Omit<FoundProps, "task"> & { summary: Summary }) {
  return (
    <Table name={texts.byMethod} heads={Object.values(texts.methodHead)}>
      {summary.methods.map(({ method, labels, ties, has_settled: hasSettled, differing, compared }) => {
        const sent = run.disputes.find((one) => one.method === method);
        return (
          <tr key={method}>
            <th scope="row">
              {texts.method[method]}
              {!hasSettled && <span className={adminCss.model}>{texts.notSettled}</span>}
            </th>
            <td>{en.number(labels)}</td>
            <td>{en.number(ties)}</td>
            <td>{texts.differing(differing, compared)}</td>
            <td className={adminCss.acts}>
              {sent ? (
                (sent.done_at === null ? texts.sending : texts.sent)(sent.sent)
              ) : (
                <Button isCompact disabled={isSending || differing === 0} onClick={() => send(method)}>
                  {texts.send(differing)}
                </Button>
              )}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function Differing({ task, run }: { task: Task; run: Run }) {
  const differing = run.differing.filter((one) => one.differing > 0).map(({ method }) => method);
  const [wanted, setWanted] = useState<Method | null>(null);
  const method = wanted ?? (differing.includes("ds") ? "ds" : (differing[0] ?? run.methods[0] ?? "majority"));
  const select = (
    <label className={css.by}>
      {texts.differsBy}
      <select value={method} onChange={(event) => setWanted(event.target.value as Method)}>
        {run.methods.map((one) => (
          <option key={one} value={one}>
            {texts.method[one]}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Section title={texts.differs} action={select}>
      <Images key={method} task={task} run={run} method={method} />
    </Section>
  );
}

function Images({ task, run, method }: { task: Task; run: Run; method: Method }) {
  const pages = useDiffering(run.id, method);
  const images = pages.items ?? [];
  const pictures = usePictures(
    images.map(({ image_id: id }) => id),
    may(useMe(), "see-votes"),
  );
  if (!pages.items) return pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />;
  if (images.length === 0) return <p>{texts.same}</p>;
  return (
    <>
      <ul className={css.images}>
        {images.map(({ image_id: id, label, methods }) => {
          const found = methods[method];
          return (
            <li key={id}>
              <Link href={`/tasks/${task.id}/images/${id}`}>
                {pictures.has(id) ? (
                  <img src={pictures.get(id)} alt="" loading="lazy" />
                ) : (
                  <span>{id.slice(0, 8)}</span>
                )}
                {found?.label && <b>{texts.says(shownAs(task, found.label), found.posterior)}</b>}
                {label !== null && <small>{texts.record(shownAs(task, label))}</small>}
              </Link>
            </li>
          );
        })}
      </ul>
      <More pages={pages} />
    </>
  );
}

function Voters({ run }: { run: Run }) {
  const pages = useVoters(run.id);
  const named = useNames();
  if (!pages.items) return pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />;
  const heads = [...Object.values(texts.voterHead), ...run.methods.map((one) => texts.method[one])];
  return (
    <Section title={texts.voters}>
      <Table name={texts.voters} heads={heads} numbersFrom={1}>
        {pages.items.map(({ voter, votes, alike, compared, skill }) => (
          <tr key={voter}>
            <th scope="row">{named(voter)}</th>
            <td className={adminCss.number}>{en.number(votes)}</td>
            <td className={adminCss.number}>{texts.differing(alike, compared)}</td>
            {run.methods.map((one) => (
              <td key={one} className={adminCss.number}>
                {skill[one] !== undefined && en.percent(skill[one])}
              </td>
            ))}
          </tr>
        ))}
      </Table>
      <More pages={pages} />
    </Section>
  );
}
