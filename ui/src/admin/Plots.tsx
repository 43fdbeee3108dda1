import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, bodyOf } from "../api/client";
import { Segments } from "../shell/Segments";
import { Failure, Loading } from "../shell/States";
import { en } from "../texts/en";
import { clock, admin as shared, plots as texts } from "../texts/en.admin";
import table from "./admin.module.css";
import { Plot } from "./Plot";
import css from "./plots.module.css";
import { firstKnown, mostAt, type Plotted, plotted, rowsOf, SPANS, type Span, type Told, type Values } from "./series";
import { Section, Table } from "./Table";

/** What became of the platform in the last hour or day. */
export default function Plots() {
  const [span, setSpan] = useState<Span>("hour");
  const { minutes, everyMs } = SPANS[span];
  const { data, error, refetch } = useQuery({
    queryKey: ["admin", "series", span],
    queryFn: async ({ signal }) => ({
      span,
      told: bodyOf(await api.GET("/api/admin/series", { params: { query: { minutes } }, signal })),
    }),
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  });
  return (
    <Section title={texts.title} action={<SpanSwitch span={span} change={setSpan} />}>
      {data ? <Shown {...data} /> : error ? <Failure error={error} retry={refetch} /> : <Loading />}
    </Section>
  );
}

function SpanSwitch({ span, change }: { span: Span; change: (span: Span) => void }) {
  return (
    <Segments label={texts.span}>
      {(Object.keys(SPANS) as Span[]).map((one) => (
        <button key={one} type="button" aria-pressed={one === span} onClick={() => change(one)}>
          {texts.spans[one]}
        </button>
      ))}
    </Segments>
  );
}

function Shown({ span, told }: { span: Span; told: Told }) {
  const [pointed, point] = useState<number | null>(null);
  const shown = useMemo(() => plotted(told, SPANS[span].minutes), [told, span]);
  const { times, votes, p95, oldest, queues } = shown;
  const drawn = useMemo(() => dataOf(shown), [shown]);
  const first = firstKnown(shown);
  if (first < 0) return <p>{texts.none}</p>;
  const summary = (title: string, values: Values, written: (value: number) => string) =>
    summaryOf(`${title}, ${texts.spans[span]}`, times, values, written);
  const pointing = { at: Math.min(pointed ?? times.length, times.length - 1), point };
  return (
    <>
      <div className={css.plots}>
        <Plot
          title={texts.votes}
          summary={summary(texts.votes, votes, en.number)}
          lines={[{ name: texts.taken, look: "votes" }]}
          data={drawn.votes}
          written={known(en.number)}
          isCounted
          {...pointing}
        />
        <Plot
          title={texts.requests}
          summary={summary(`${texts.requests}, ${texts.p95}`, p95, shared.milliseconds)}
          lines={[
            { name: texts.p95, look: "slow" },
            { name: texts.p50, look: "half" },
          ]}
          data={drawn.requests}
          written={known(shared.milliseconds)}
          {...pointing}
        />
        <Plot
          title={texts.queues}
          summary={summary(texts.queues, oldest, shared.seconds)}
          lines={[{ name: texts.oldest, look: "age" }]}
          data={drawn.queues}
          written={known(shared.seconds)}
          note={queues[pointing.at]}
          {...pointing}
        />
      </div>
      {first > 0 && <p className={css.since}>{texts.since(clock(times[first]), told.replica)}</p>}
      <Rows shown={shown} minutes={SPANS[span].row} />
    </>
  );
}

type Data = [number[], ...Values[]];

function dataOf({ times, votes, p50, p95, oldest }: Plotted): Record<"votes" | "requests" | "queues", Data> {
  return { votes: [times, votes], requests: [times, p95, p50], queues: [times, oldest] };
}

/** The plots as a table, for who cannot see them or wants the numbers. */
function Rows({ shown, minutes }: { shown: Plotted; minutes: number }) {
  const { from, votes, p50, p95, oldest } = texts.row;
  return (
    <details className={css.table}>
      <summary>{texts.asTable(minutes)}</summary>
      <Table name={texts.asTable(minutes)} heads={[from, votes, p95, p50, oldest]} numbersFrom={1}>
        {rowsOf(shown, minutes).map((row) => (
          <tr key={row.from}>
            <th scope="row">{clock(row.from)}</th>
            <td className={table.number}>{known(en.number)(row.votes)}</td>
            <td className={table.number}>{known(shared.milliseconds)(row.p95)}</td>
            <td className={table.number}>{known(shared.milliseconds)(row.p50)}</td>
            <td className={table.number}>{known(shared.seconds)(row.oldest)}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

function known(written: (value: number) => string): (value: number | null) => string {
  return (value) => (value === null ? texts.unknown : written(value));
}

function summaryOf(what: string, times: number[], values: Values, written: (value: number) => string): string {
  const [most, last] = [mostAt(values), values.findLastIndex((value) => value !== null)];
  if (most < 0) return texts.summaryNone(what);
  const [highest, newest] = [values[most] ?? 0, values[last] ?? 0];
  return texts.summary(what, written(newest), clock(times[last]), written(highest), clock(times[most]));
}
