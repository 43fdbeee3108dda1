import { useEffect, useId, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../texts/en.admin";
import css from "./plots.module.css";
import { alone, type Values } from "./series";

const HEIGHT = 150;
const WHOLE = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
/** Plots of this key move their cursors together. */
const TOGETHER = "admin";

export interface Line {
  name: string;
  look: "votes" | "slow" | "half" | "age";
}

interface PlotProps {
  title: string;
  /** What it shows, in words. */
  summary: string;
  lines: readonly Line[];
  /** Epoch seconds, and the values of each line. */
  data: [number[], ...Values[]];
  written: (value: number | null) => string;
  /** Whether there is nothing between two whole numbers. */
  isCounted?: boolean;
  /** What else there is to say of the minute at `at`. */
  note?: string | null | undefined;
  at: number;
  point: (at: number | null) => void;
}

/** Lines over time, with their values at the minute that is pointed at, the last one by default. */
export function Plot({ title, summary, lines, data, written, isCounted = false, note, at, point }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useDrawn(box, { lines, data, written, isCounted, point });
  useEffect(() => plot.current?.setData(data), [plot, data]);
  const [times, ...values] = data;
  const id = useId();
  return (
    <section className={css.panel} aria-labelledby={id}>
      <header>
        <h3 id={id}>{title}</h3>
        <time>{clock(times[at])}</time>
      </header>
      <dl>
        {lines.map(({ name, look }, place) => (
          <div key={look}>
            <dt>
              <i className={css[look]} />
              {name}
            </dt>
            <dd>{written(values[place]?.[at] ?? null)}</dd>
          </div>
        ))}
      </dl>
      <p className={css.note}>{note}</p>
      <div ref={box} className={css.plot} role="img" aria-label={summary} />
    </section>
  );
}

type Drawn = Required<Pick<PlotProps, "lines" | "data" | "written" | "isCounted" | "point">>;

/** A plot in the box, as wide as it, in the colours of the theme. What it draws first stays, but for its data. */
function useDrawn(box: React.RefObject<HTMLDivElement | null>, drawn: Drawn) {
  const first = useRef(drawn);
  const plot = useRef<uPlot>(null);
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const made = new uPlot(options(at, first.current), first.current.data, at);
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    sizes.observe(at);
    const forget = onLook(() => made.redraw(false));
    return () => {
      sizes.disconnect();
      forget();
      made.destroy();
    };
  }, [box]);
  return plot;
}

function options(box: HTMLElement, { lines, written, isCounted, point }: Drawn): uPlot.Options {
  const swatches = box.parentElement?.querySelectorAll("i") ?? [];
  const style = (place: number) => getComputedStyle(swatches[place] ?? box);
  const text = () => getComputedStyle(box).color;
  const faint = () => getComputedStyle(box).borderTopColor;
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: text, font, ticks: { show: false }, gap: 6 };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 18, 0, 0], // the last time is as wide as that
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: TOGETHER }, points: { show: false } },
    scales: { y: { range: (_, _least, most) => [0, most ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 24, space: 64, grid: { show: false }, values: (_, splits) => splits.map(clock) },
      {
        ...axis,
        size: (_, values) => 10 + 7 * Math.max(0, ...(values ?? []).map(({ length }) => length)),
        space: 28,
        ...(isCounted ? { incrs: WHOLE } : {}),
        grid: { stroke: faint, width: 1 },
        values: (_, splits) => splits.map(written),
      },
    ],
    series: [
      {},
      ...lines.map(
        ({ look }, place): uPlot.Series => ({
          stroke: () => style(place).color,
          fill: () => style(place).backgroundColor,
          width: 1.5,
          ...(look === "half" ? { dash: [4, 3] } : {}),
          points: {
            show: false,
            size: 5,
            fill: () => style(place).color,
            filter: (drawn, line) => alone(drawn.data[line] as Values),
          },
        }),
      ),
    ],
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? null)] },
  };
}

/** Calls back whenever theme or contrast change; returns how to stop. */
function onLook(changed: () => void): () => void {
  const root = new MutationObserver(changed);
  root.observe(document.documentElement, { attributeFilter: ["data-theme", "data-contrast"] });
  const media = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"].map((query) =>
    matchMedia(query),
  );
  for (const one of media) one.addEventListener("change", changed);
  return () => {
    root.disconnect();
    for (const one of media) one.removeEventListener("change", changed);
  };
}
