import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { Confirm } from "../shell/Confirm";
import { en } from "../texts/en";
import { imports as texts } from "../texts/en.imports";
import { moment } from "../texts/en.tasks";
import { Bucket } from "./Bucket";
import css from "./imports.module.css";
import { type Import, importsKey, useImports, useRefused } from "./useImports";

/** The imports of a task from buckets: how far each is, what troubles it, and what it did not take in. */
export function Imports({ task, mayImport }: { task: string; mayImport: boolean }) {
  const { data } = useImports(task);
  if (!data || data.length === 0) return null;
  return (
    <section className={css.panel} aria-label={texts.title}>
      {data.map((one) => (
        <One key={one.id} one={one} mayImport={mayImport} />
      ))}
    </section>
  );
}

const COUNTS = ["accepted", "duplicates", "rejected", "skipped"] as const;

function One({ one, mayImport }: { one: Import; mayImport: boolean }) {
  const [asked, setAsked] = useState<"cancel" | "again" | null>(null);
  const [isOpen, setOpen] = useState(false);
  const { state, trouble, retry_at } = one;
  const close = () => setAsked(null);
  return (
    <div className={css.import}>
      <div className={css.line}>
        <p>
          <strong>{texts.from(one.bucket, one.prefix)}</strong> {texts.states[state](one.files)}
        </p>
        {state === "running" && (
          <Button isCompact onClick={() => setAsked("cancel")}>
            {texts.cancel}
          </Button>
        )}
        {state !== "running" && mayImport && (
          <Button isCompact onClick={() => setAsked("again")}>
            {texts.again}
          </Button>
        )}
      </div>
      <ul className={css.counts}>
        {COUNTS.map(
          (status) =>
            one[status] > 0 && (
              <li key={status}>
                <strong>{en.number(one[status])}</strong> {texts.counts[status]}
              </li>
            ),
        )}
      </ul>
      {trouble && (
        <p className={state === "failed" ? css.wrong : css.trouble} role="status">
          <Icon name="warning" size={14} /> {trouble}
          {retry_at && `; ${texts.retry(moment(retry_at))}`}
        </p>
      )}
      {one.rejected + one.skipped > 0 && (
        <details className={css.missed} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>
            <Icon name="warning" />
            {texts.refused}
          </summary>
          {isOpen && <Refused one={one} />}
        </details>
      )}
      {asked === "cancel" && <Cancel one={one} close={close} />}
      {asked === "again" && <Bucket task={one.task_id} again={one} close={close} />}
    </div>
  );
}

function Refused({ one }: { one: Import }) {
  const { data, error } = useRefused(one, true);
  if (error) return <p role="alert">{error.message}</p>;
  return (
    <>
      <ul>
        {data?.items.map(({ filename, reason }) => (
          <li key={filename}>
            <span>{filename}</span>
            {reason}
          </li>
        ))}
      </ul>
      {data?.next_cursor && <p>{texts.first(data.items.length)}</p>}
    </>
  );
}

function Cancel({ one, close }: { one: Import; close: () => void }) {
  const client = useQueryClient();
  const act = async () => {
    const path = { task_id: one.task_id, import_id: one.id };
    await api.DELETE("/api/tasks/{task_id}/imports/{import_id}", { params: { path } });
    return undefined;
  };
  const done = () => void client.invalidateQueries({ queryKey: importsKey(one.task_id) });
  return <Confirm {...texts.cancelling} isDangerous act={act} done={done} close={close} />;
}
