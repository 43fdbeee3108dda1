import { api, bodyOf } from "../api/client";
import { Confirm, Field } from "../shell/Confirm";
import { Once } from "../shell/Once";
import { nameOf, webhooks as texts } from "../texts/en.webhooks";
import { WebhookFields, wanted } from "./WebhookFields";
import type { Webhook } from "./Webhooks";

interface DeedProps {
  webhook: Webhook;
  done: () => void;
  close: () => void;
}

const pathOf = (webhook: Webhook) => ({ params: { path: { webhook_id: webhook.id } } });

export function Make({ made, done, close }: Omit<DeedProps, "webhook"> & { made: (secret: string) => void }) {
  const act = async (fields: FormData) => {
    const { url, events } = wanted(fields);
    if (events.length === 0) return texts.noEvent;
    const task = String(fields.get("task")).trim() || null;
    made(bodyOf(await api.POST("/api/webhooks", { body: { url, events, task_id: task } })).secret);
    return undefined;
  };
  return (
    <Confirm title={texts.make} go={texts.go} act={act} done={done} close={close}>
      <WebhookFields events={["task.completed"]} />
      <Field name="task" title={texts.task} hint={texts.taskHint}>
        {(field) => <input {...field} pattern="[0-9a-f]{32}" autoComplete="off" />}
      </Field>
    </Confirm>
  );
}

export function Change({ webhook, done, close }: DeedProps) {
  const act = async (fields: FormData) => {
    const body = wanted(fields);
    if (body.events.length === 0) return texts.noEvent;
    await api.PATCH("/api/webhooks/{webhook_id}", { ...pathOf(webhook), body });
    return undefined;
  };
  return (
    <Confirm title={texts.changeTitle} go={texts.changeGo} act={act} done={done} close={close}>
      <WebhookFields url={webhook.url} events={webhook.events} />
    </Confirm>
  );
}

export function Rotate({ webhook, made, done, close }: DeedProps & { made: (secret: string) => void }) {
  const act = async () => {
    made(bodyOf(await api.POST("/api/webhooks/{webhook_id}/secret", pathOf(webhook))).secret);
    return undefined;
  };
  return (
    <Confirm
      title={texts.rotateTitle}
      detail={texts.rotateDetail}
      go={texts.rotate}
      act={act}
      done={done}
      close={close}
    />
  );
}

export function Remove({ webhook, done, close }: DeedProps) {
  const name = nameOf(webhook.url);
  const act = async (fields: FormData) => {
    if (String(fields.get("name")).trim() !== name) return texts.removeWrong;
    await api.DELETE("/api/webhooks/{webhook_id}", pathOf(webhook));
    return undefined;
  };
  return (
    <Confirm
      title={texts.removeTitle}
      detail={texts.removeDetail}
      go={texts.remove}
      isDangerous
      act={act}
      done={done}
      close={close}
    >
      <Field name="name" title={texts.removeType(name)}>
        {(field) => <input {...field} autoComplete="off" required />}
      </Field>
    </Confirm>
  );
}

export function Secret({ secret, close }: { secret: string; close: () => void }) {
  return <Once title={texts.madeTitle} detail={texts.madeDetail} secret={secret} copy={texts.copy} close={close} />;
}
