import { useDeferredValue, useMemo, useState } from "react";
import { newTask as texts } from "../texts/en.newTask";
import type { Draft } from "./draft";
import css from "./newTask.module.css";
import { expectedCost } from "./quorum";
import { Slider } from "./Settled";

/** What a task's policy will cost in votes. `factor`: how many images its pipeline makes of a picture, where that is known. */
export function Cost({ draft, pictures, factor }: { draft: Draft; pictures: number; factor: number | null }) {
  const [alike, setAlike] = useState(0.85);
  const { quorum, labels, allow_unsure } = useDeferredValue(draft);
  const cost = useMemo(
    () => expectedCost(quorum, { labels: Math.max(labels.length, 2), alike, allowUnsure: allow_unsure }),
    [quorum, labels.length, alike, allow_unsure],
  );
  const images = pictures * (factor ?? 0);
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
        {images > pictures && <> {texts.cost.derived(pictures)}</>}
        {factor === null && <> {texts.cost.unknown}</>}
        {cost.disputed >= 0.005 && <> {texts.cost.disputed(cost.disputed)}</>}
      </p>
      <Slider id="alike" title={texts.cost.alike} value={alike} says={texts.cost.alikeSays(alike)} set={setAlike} />
    </div>
  );
}
