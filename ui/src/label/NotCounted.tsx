import { useState } from "react";
import { blank } from "../marks/blank";
import { Button } from "../shell/Button";
import { Dialog } from "../shell/Dialog";
import { useStore } from "../shell/useStore";
import { who } from "../shell/who";
import { label as texts } from "../texts/en.label";
import grid from "./grid.module.css";
import css from "./label.module.css";
import { outbox, refused } from "./onlyOutbox";
import { dismiss, keyOf, type VoteRecord } from "./queue";

/** Votes that the platform refused, with the reason; nothing where there are none. */
export function NotCounted() {
  const records = useStore(refused);
  const [isOpen, setOpen] = useState(false);
  if (records.length === 0) return null;
  return (
    <>
      <button type="button" className={css.openRefused} onClick={() => setOpen(true)}>
        {texts.notCounted.open(records.length)}
      </button>
      {isOpen && (
        <Dialog title={texts.notCounted.title} close={() => setOpen(false)}>
          <p>{texts.notCounted.detail}</p>
          <ul className={css.refused}>
            {records.map((record) => (
              <li key={keyOf(record)}>
                <img src={record.lease.thumbnail_url} alt="" onError={blank} />
                <strong>{nameOf(record)}</strong>
                <span>{record.refusal && texts.notCounted.why(record.refusal)}</span>
              </li>
            ))}
          </ul>
          <div className={css.foot}>
            <Clear />
          </div>
        </Dialog>
      )}
    </>
  );
}

/** The same as a row of the grid: pictures that were not counted stay there with the reason. */
export function NotCountedRow() {
  const records = useStore(refused);
  if (records.length === 0) return null;
  return (
    <section className={`${grid.row} ${grid.refused}`} aria-labelledby="not-counted">
      <header>
        <h2 id="not-counted">{texts.notCounted.open(records.length)}</h2>
        <p>{texts.notCounted.detail}</p>
        <Clear />
      </header>
      <div className={grid.tiles}>
        {records.map((record) => (
          <figure key={keyOf(record)} className={grid.kept}>
            <img src={record.lease.thumbnail_url} alt="" onError={blank} />
            <figcaption>
              <strong>{nameOf(record)}</strong> {record.refusal && texts.notCounted.why(record.refusal)}
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}

function Clear() {
  return (
    <Button isCompact onClick={() => void outbox.update((all) => dismiss(all, who.get()))}>
      {texts.notCounted.dismiss}
    </Button>
  );
}

function nameOf({ lease, label }: VoteRecord): string {
  return lease.label_names[label] ?? label;
}
