import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { callerHeaders } from "../api/caller";
import { problemOf } from "../api/client";
import { send } from "../api/send";
import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { Field } from "../shell/Confirm";
import { Dialog } from "../shell/Dialog";
import { en } from "../texts/en";
import { imports as all } from "../texts/en.imports";
import css from "./imports.module.css";
import { FORMATS, type Format, formatOf, linesOf, NOTHING, type Report, type Row, withLines } from "./labelReport";

const texts = all.labels;
const SHOWN = 100;

interface LabelFileProps {
  task: string;
  done: () => void;
  close: () => void;
}

/** A dialog that takes in a file of labels, and says what became of each of its rows. */
export function LabelFile({ task, done, close }: LabelFileProps) {
  const [file, setFile] = useState<File | null>(null);
  const [format, setFormat] = useState<Format>("csv");
  const [report, setReport] = useState<Report | null>(null);
  const importing = useMutation({
    mutationFn: async (labels: File) => {
      const headers = { "Content-Type": "application/octet-stream", ...callerHeaders() };
      const path = `/api/tasks/${encodeURIComponent(task)}/labels?format=${format}`;
      const response = await send(path, { method: "POST", headers, body: labels });
      if (!response.ok) throw await problemOf(response);
      let now = NOTHING;
      setReport(now);
      if (response.body)
        for await (const lines of linesOf(response.body)) {
          now = withLines(now, lines);
          setReport(now);
        }
      if (!now.isWhole) throw new Error(texts.cut);
    },
    onSettled: done,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setReport(null);
    if (file) importing.mutate(file);
  };
  return (
    <Dialog title={texts.title} close={close}>
      <form className={css.form} onSubmit={submit}>
        <p className={css.about}>{texts.detail}</p>
        <Field name="file" title={texts.file}>
          {(field) => (
            <input
              {...field}
              type="file"
              required
              accept=".csv,.tsv,.jsonl,.ndjson,.json,.zip"
              onChange={({ target: { files } }) => {
                setFile(files?.[0] ?? null);
                setFormat(formatOf(files?.[0]?.name ?? ""));
              }}
            />
          )}
        </Field>
        <Field name="format" title={texts.format} hint={texts.hints[format]}>
          {(field) => (
            <select {...field} value={format} onChange={({ target }) => setFormat(target.value as Format)}>
              {FORMATS.map((one) => (
                <option key={one} value={one}>
                  {texts.formats[one]}
                </option>
              ))}
            </select>
          )}
        </Field>
        {report && <Shown report={report} />}
        {importing.error && (
          <p className={css.wrong} role="alert">
            {importing.error.message}
          </p>
        )}
        <div className={css.buttons}>
          <Button onClick={close}>{report?.isWhole ? en.states.close : en.states.cancel}</Button>
          <Button type="submit" look="primary" disabled={importing.isPending || !file}>
            {importing.isPending ? texts.going : texts.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Shown({ report: { rows, counts, missed, isWhole } }: { report: Report }) {
  const statuses = Object.entries(counts) as [Row["status"], number][];
  return (
    <section aria-label={texts.report} className={css.report}>
      <p role="status">{isWhole ? texts.done(rows) : texts.sofar(rows)}</p>
      <ul className={css.counts}>
        {statuses.map(([status, count]) => (
          <li key={status}>
            <strong>{en.number(count)}</strong> {texts.statuses[status]}
          </li>
        ))}
      </ul>
      {missed.length > 0 && (
        <details className={css.missed}>
          <summary>
            <Icon name="warning" />
            {texts.missed}
          </summary>
          <ul>
            {missed.slice(0, SHOWN).map(({ row, name, status, reason }) => (
              <li key={row}>
                <span>{texts.row(row, name)}</span>
                {reason ?? texts.statuses[status]}
              </li>
            ))}
          </ul>
          {missed.length > SHOWN && <p>{texts.first(SHOWN)}</p>}
        </details>
      )}
    </section>
  );
}
