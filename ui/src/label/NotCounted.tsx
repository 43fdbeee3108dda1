import { useState } from "react";
import { Button } from "../shell/Button";
import { Dialog } from "../shell/Dialog";
import { useStore } from "../shell/useStore";
import { who } from "../shell/who";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";
import { outbox, refused } from "./onlyOutbox";
import { dismiss, keyOf } from "./queue";

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
                <img src={record.lease.thumbnail_url} alt="" />
                <strong>{record.lease.label_names[record.label] ?? record.label}</strong>
                <span>{record.refusal && texts.notCounted.why(record.refusal)}</span>
              </li>
            ))}
          </ul>
          <div className={css.foot}>
            <Button onClick={() => void outbox.update((all) => dismiss(all, who.get()))}>
              {texts.notCounted.dismiss}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
