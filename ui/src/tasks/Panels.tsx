import type { ReactNode } from "react";
import { en } from "../texts/en";
import { statistics as texts } from "../texts/en.statistics";
import { moment } from "../texts/en.tasks";
import type { Change, Filter } from "./filter";
import css from "./panels.module.css";
import type { Task } from "./streams";
import { shownAs } from "./Tile";
import { type Cell, cellsOf, mostMistaken, type Statistics, useStatistics } from "./useStatistics";

const MOST_BARS = 12;
const MOST_COLUMNS = 12;

interface PanelProps {
  task: Task;
  told: Statistics;
  filter: Filter;
  change: (change: Change) => void;
}

/** What the results say together; every bar and cell shows the images behind it in the grid below. */
export function Panels({ task, filter, change }: Omit<PanelProps, "told">) {
  const { data: told } = useStatistics(task);
  if (told === undefined) return null;
  if (told === null) return <p className={css.computing}>{texts.computing}</p>;
  const props = { task, told, filter, change };
  const { completed, disputed } = task.counts;
  const isBehind = told.settled !== completed || told.disputed !== disputed;
  return (
    <section aria-label={texts.title}>
      <Numbers told={told} />
      {told.settled + told.disputed === 0 ? (
        <p className={css.computing}>{texts.none}</p>
      ) : (
        <div className={css.panels}>
          <Agreement {...props} />
          {told.settled > 0 && <Labels {...props} />}
          {told.detector.compared > 0 && <Detector {...props} />}
        </div>
      )}
      {isBehind && <p className={css.computing}>{texts.asOf(moment(told.as_of))}</p>}
    </section>
  );
}

function Numbers({ told }: { told: Statistics }) {
  const { votes, votes_saved: saved, mean_agreement: mean, expected_done_at: done } = told;
  const numbers: [string, string][] = [[en.number(votes), texts.votes]];
  if (saved > 0) numbers.push([en.percent(saved / (saved + votes)), texts.saved]);
  if (mean !== null) numbers.push([en.percent(mean), texts.mean]);
  if (done !== null) numbers.push([moment(done), texts.done]);
  return (
    <dl className={css.numbers}>
      {numbers.map(([number, what]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{number}</dd>
        </div>
      ))}
    </dl>
  );
}

function Panel({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <div className={css.panel}>
      <header>
        <h2>{title}</h2>
        <p>{hint}</p>
      </header>
      {children}
    </div>
  );
}

function Agreement({ told, filter, change }: PanelProps) {
  const most = Math.max(1, ...told.agreement.map(({ settled, disputed }) => settled + disputed));
  return (
    <Panel title={texts.agreement} hint={texts.agreementHint}>
      <div className={css.histogram}>
        {told.agreement.map(({ from, to, settled, disputed }) => {
          const isChosen = filter.agreement_from === from;
          const wanted = { agreement_from: from, agreement_below: from < to ? to : null };
          return (
            <button
              key={from}
              type="button"
              aria-pressed={isChosen}
              aria-label={texts.tenth(from, to, settled, disputed)}
              disabled={settled + disputed === 0}
              onClick={() => change(isChosen ? { agreement_from: null, agreement_below: null } : wanted)}
            >
              <i className={css.disputed} style={{ blockSize: `${(100 * disputed) / most}%` }} />
              <i className={css.settled} style={{ blockSize: `${(100 * settled) / most}%` }} />
            </button>
          );
        })}
      </div>
      <p className={css.axis} aria-hidden="true">
        <span>{en.percent(0)}</span>
        <span>{en.percent(0.5)}</span>
        <span>{en.percent(1)}</span>
      </p>
    </Panel>
  );
}

function Labels({ task, told, filter, change }: PanelProps) {
  const bars = told.labels.filter(({ count }) => count > 0).toSorted((one, other) => other.count - one.count);
  const most = bars[0]?.count ?? 1;
  return (
    <Panel title={texts.labels} hint={texts.labelsHint(bars.length, MOST_BARS)}>
      <ul className={css.bars}>
        {bars.slice(0, MOST_BARS).map(({ label, count }) => (
          <li key={label}>
            <button
              type="button"
              aria-pressed={filter.label === label}
              onClick={() => change({ label: filter.label === label ? null : label })}
            >
              <span>{shownAs(task, label)}</span>
              <i style={{ inlineSize: `${(100 * count) / most}%` }} />
              <b>{en.number(count)}</b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Detector({ task, told, filter, change }: PanelProps) {
  const { compared, agreed, confusion } = told.detector;
  const cells = cellsOf(confusion);
  const nameOf = (place: number) => shownAs(task, task.labels[place] ?? "");
  const mistaken = mostMistaken(cells);
  return (
    <Panel title={texts.detector} hint={texts.detectorHint}>
      <div className={css.compared}>
        <Matrix cells={cells} task={task} filter={filter} change={change} />
        <div>
          <p>
            <b className={css.share}>{en.percent(agreed / compared)}</b> {texts.alike(compared)}
          </p>
          {mistaken && (
            <p>{texts.mistaken(nameOf(mistaken.column), nameOf(mistaken.row), mistaken.count, mistaken.reverse)}</p>
          )}
        </div>
      </div>
    </Panel>
  );
}

/** The labels that occur most, as rows (people) and columns (detector). */
function Matrix({ cells, task, filter, change }: Omit<PanelProps, "told"> & { cells: readonly Cell[] }) {
  const weight = new Map<number, number>();
  for (const { row, column, count } of cells)
    for (const place of [row, column]) weight.set(place, (weight.get(place) ?? 0) + count);
  const places = [...weight.keys()]
    .toSorted((one, other) => (weight.get(other) ?? 0) - (weight.get(one) ?? 0))
    .slice(0, MOST_COLUMNS)
    .toSorted((one, other) => one - other);
  const most = Math.max(1, ...cells.map(({ count }) => count));
  const counted = new Map(cells.map(({ row, column, count }) => [`${row} ${column}`, count]));
  const nameOf = (place: number) => shownAs(task, task.labels[place] ?? "");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box that the keyboard has to reach
    <section className={css.matrix} tabIndex={0} aria-label={texts.detector}>
      <table>
        <thead>
          <tr>
            <td />
            {places.map((column) => (
              <th key={column} scope="col" title={nameOf(column)}>
                {nameOf(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {places.map((row) => (
            <tr key={row}>
              <th scope="row" title={nameOf(row)}>
                {nameOf(row)}
              </th>
              {places.map((column) => {
                const count = counted.get(`${row} ${column}`) ?? 0;
                const [label, suggested] = [task.labels[row], task.labels[column]];
                const isChosen = filter.label === label && filter.suggested === suggested;
                const tint = `${15 + (40 * count) / most}%`;
                return (
                  <td key={column} className={row === column ? css.agreed : css.against}>
                    {count > 0 && (
                      <button
                        type="button"
                        aria-pressed={isChosen}
                        aria-label={texts.cell(nameOf(row), nameOf(column), count)}
                        style={{ "--tint": tint } as React.CSSProperties}
                        onClick={() =>
                          change(
                            isChosen
                              ? { label: null, suggested: null }
                              : { label: label ?? null, suggested: suggested ?? null },
                          )
                        }
                      >
                        {en.number(count)}
                      </button>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
