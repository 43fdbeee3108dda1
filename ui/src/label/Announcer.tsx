import { label as texts } from "../texts/en.label";
import css from "./label.module.css";
import type { View } from "./view";

/** Says to screen readers which image is on screen and what the detector suggests. */
export function Announcer({ view: { lease, today } }: { view: View }) {
  const suggested = lease?.prelabel?.label;
  return (
    <p className={css.unseen} aria-live="polite">
      {lease && texts.announced(today + 1)}{" "}
      {lease &&
        suggested &&
        texts.suggests(lease.label_names[suggested] ?? suggested, lease.prelabel?.confidence ?? null)}
    </p>
  );
}
