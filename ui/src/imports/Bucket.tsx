import { useQueryClient } from "@tanstack/react-query";
import { api } from "../api/client";
import { Confirm, Field } from "../shell/Confirm";
import { imports as all } from "../texts/en.imports";
import { type Import, importsKey } from "./useImports";

const texts = all.bucket;

interface BucketProps {
  task: string;
  /** An import that is asked for again. */
  again?: Import | undefined;
  close: () => void;
}

/** A dialog that has the platform read pictures from a bucket. */
export function Bucket({ task, again, close }: BucketProps) {
  const client = useQueryClient();
  const act = async (fields: FormData) => {
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    const [key_id, secret] = [text("key_id"), text("secret")];
    if ((key_id === "") !== (secret === "")) return texts.keyHalf;
    await api.POST("/api/tasks/{task_id}/imports", {
      params: { path: { task_id: task } },
      body: {
        endpoint: text("endpoint"),
        bucket: text("bucket"),
        prefix: text("prefix"),
        region: text("region"),
        anew: again?.state === "finished",
        key: key_id ? { key_id, secret, token: text("token") || null } : null,
      },
    });
    return undefined;
  };
  const done = () => void client.invalidateQueries({ queryKey: importsKey(task) });
  return (
    <Confirm title={texts.title} detail={texts.detail} go={texts.go} act={act} done={done} close={close}>
      <Field name="endpoint" title={texts.endpoint} hint={texts.endpointHint}>
        {(field) => (
          <input
            {...field}
            type="url"
            defaultValue={again?.endpoint ?? "https://"}
            pattern="https?://.+"
            maxLength={2000}
            required
          />
        )}
      </Field>
      <Field name="bucket" title={texts.bucket}>
        {(field) => <input {...field} defaultValue={again?.bucket} maxLength={63} required autoComplete="off" />}
      </Field>
      <Field name="prefix" title={texts.prefix} hint={texts.prefixHint}>
        {(field) => <input {...field} defaultValue={again?.prefix} maxLength={1024} autoComplete="off" />}
      </Field>
      <Field name="region" title={texts.region}>
        {(field) => (
          <input
            {...field}
            defaultValue={again?.region ?? "us-east-1"}
            pattern="[A-Za-z0-9\-]+"
            maxLength={60}
            required
          />
        )}
      </Field>
      <Field name="key_id" title={texts.keyId} hint={texts.keyHint}>
        {(field) => <input {...field} maxLength={256} autoComplete="off" />}
      </Field>
      <Field name="secret" title={texts.secret}>
        {(field) => <input {...field} type="password" maxLength={4096} autoComplete="off" />}
      </Field>
      <details>
        <summary>{texts.more}</summary>
        <Field name="token" title={texts.token}>
          {(field) => <input {...field} type="password" maxLength={4096} autoComplete="off" />}
        </Field>
      </details>
    </Confirm>
  );
}
