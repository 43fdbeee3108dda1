import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useDeferredValue, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";
import button from "../shell/button.module.css";
import { Empty, Failure, Loading } from "../shell/States";
import { stepOf } from "../shell/shortcuts";
import { tasks } from "../texts/en.tasks";
import css from "./grid.module.css";
import type { Task } from "./streams";
import { Tile } from "./Tile";
import type { Images } from "./useImages";

const TILE_PX = 178;
const GAP_PX = 12;
const CAPTION_PX = 30;
const ROW_GAP_PX = 14;

interface ImageGridProps {
  task: Task;
  images: Images;
  hrefOf: (image: string) => string;
}

/** All images of a filter; only the rows near the screen are in the document. */
export function ImageGrid({ task, images, hrefOf }: ImageGridProps) {
  const { element, columns, rowPx, top } = useMeasures();
  const [current, setCurrent] = useState(0);
  const rows = Math.ceil(useDeferredValue(images.count) / columns); // new tiles are drawn in small steps, not in one
  const virtual = useWindowVirtualizer({ count: rows, estimateSize: () => rowPx, overscan: 3, scrollMargin: top });
  const items = virtual.getVirtualItems();
  const first = (items[0]?.index ?? 0) * columns;
  const last = Math.min(((items.at(-1)?.index ?? 0) + 1) * columns, images.count) - 1;
  useEffect(() => images.show(first, Math.max(last, 0)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when their height changes
  useEffect(() => virtual.measure(), [rowPx]);
  const go = (to: number) => {
    const index = Math.min(Math.max(to, 0), images.count - 1);
    setCurrent(index);
    virtual.scrollToIndex(Math.floor(index / columns), { align: "auto" });
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = steps(columns)[event.key] ?? stepOf(event);
    if (by === 0) return;
    event.preventDefault();
    go(current + by);
  };
  if (images.error) return <Failure error={images.error} retry={images.retry} />;
  return (
    <div ref={element}>
      {images.isPending && images.count === 0 && <Loading />}
      {!images.isPending && images.count === 0 && (
        <Empty
          title={tasks.grid.none}
          action={
            <Link href={`/tasks/${task.id}`} className={button.button}>
              {tasks.grid.clear}
            </Link>
          }
        >
          {tasks.grid.noneDetail}
        </Empty>
      )}
      {images.count > 0 && (
        <div
          role="grid"
          aria-label={tasks.grid.name}
          aria-rowcount={-1}
          aria-colcount={columns}
          className={css.grid}
          style={{ height: virtual.getTotalSize() }}
          onKeyDown={pressed}
        >
          {items.map(({ index: row, start }) => (
            <div
              key={row}
              role="row"
              aria-rowindex={row + 1}
              className={css.row}
              style={{
                transform: `translateY(${start - top}px)`,
                gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              }}
            >
              {indexes(row * columns, Math.min((row + 1) * columns, images.count)).map((index) => {
                const image = images.at(index);
                return (
                  <div key={index} role="gridcell" aria-colindex={(index % columns) + 1}>
                    <Tile
                      task={task}
                      image={image}
                      href={image ? hrefOf(image.image_id) : ""}
                      isCurrent={index === Math.min(Math.max(current, first), Math.max(last, 0))}
                      index={index}
                      lead={() => setCurrent(index)}
                    />
                  </div>
                );
              })}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function steps(columns: number): Record<string, number> {
  return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
}

function indexes(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from, 0) }, (_, offset) => from + offset);
}

/** How many columns fit, how high a row is, and where the grid begins on the page. */
function useMeasures() {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) return;
    const measure = () => {
      setWidth(measured.clientWidth);
      setTop(measured.getBoundingClientRect().top + scrollY);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(measured);
    observer.observe(document.body); // what stands above may grow
    return () => observer.disconnect();
  }, []);
  const columns = Math.max(2, Math.floor((width + GAP_PX) / (TILE_PX + GAP_PX)));
  const tile = (width - (columns - 1) * GAP_PX) / columns;
  return { element, columns, top, rowPx: Math.round(tile * 0.75) + CAPTION_PX + ROW_GAP_PX };
}
