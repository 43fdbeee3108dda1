import type { Schemas } from "../api/client";
import { Field } from "../shell/Confirm";
import css from "../shell/confirm.module.css";
import { webhooks as texts } from "../texts/en.webhooks";

export type WebhookEvent = Schemas["WebhookShown"]["events"][number];

const EVENTS = Object.keys(texts.event) as WebhookEvent[];

/** Where a webhook leads, and what it is told of. */
export function WebhookFields({ url = "", events }: { url?: string; events: readonly WebhookEvent[] }) {
  return (
    <>
      <Field name="url" title={texts.url} hint={texts.urlHint}>
        {(field) => <input {...field} type="url" defaultValue={url} maxLength={2000} autoComplete="off" required />}
      </Field>
      <fieldset className={css.choice}>
        <legend>{texts.events}</legend>
        {EVENTS.map((event) => (
          <label key={event}>
            <input type="checkbox" name="events" value={event} defaultChecked={events.includes(event)} />
            {texts.event[event]}
          </label>
        ))}
      </fieldset>
    </>
  );
}

export function wanted(fields: FormData): { url: string; events: WebhookEvent[] } {
  return { url: String(fields.get("url")).trim(), events: fields.getAll("events") as WebhookEvent[] };
}
