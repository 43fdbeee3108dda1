import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { useLabelKeys } from "../shell/Key";
import { LabelButton } from "./LabelButton";
import type { ListProps } from "./Labels";
import css from "./rail.module.css";

const ROW_PX = 56;

/** Hundreds of labels: only those near the screen are in the document. */
export default function LongList({ labels, name, at, ...props }: ListProps) {
  const keys = useLabelKeys();
  const scrolled = useRef<HTMLFieldSetElement>(null);
  const virtual = useVirtualizer({
    count: labels.length,
    getScrollElement: () => scrolled.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const index = labels.findIndex(({ label }) => label === at);
  useEffect(() => {
    virtual.scrollToIndex(Math.max(index, 0));
  }, [virtual, index]);
  return (
    <fieldset ref={scrolled} className={css.long} aria-label={name}>
      <div style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const one = labels[item.index];
          return (
            one && (
              <div
                key={one.label}
                className={css.item}
                ref={virtual.measureElement}
                data-index={item.index}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <LabelButton {...props} {...one} at={at} hint={keys[props.lease.labels.indexOf(one.label)]} />
              </div>
            )
          );
        })}
      </div>
    </fieldset>
  );
}
