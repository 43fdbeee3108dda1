import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Failure, Loading } from "../shell/States";
import { moment } from "../texts/en.tasks";
import { nameOf, webhooks as texts } from "../texts/en.webhooks";
import css from "./admin.module.css";
import { Page } from "./Page";
import { Table } from "./Table";
import { Change, Make, Remove, Rotate, Secret } from "./WebhookDeeds";

export type Webhook = Schemas["WebhookShown"];
type Deed = "change" | "rotate" | "remove";

export const WEBHOOKS = ["admin", "webhooks"];

/** Addresses that are told what happens to the team's tasks. */
export default function Webhooks() {
  const client = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [asked, setAsked] = useState<{ deed: Deed; webhook: Webhook } | null>(null);
  const anew = () => client.invalidateQueries({ queryKey: WEBHOOKS });
  const { data, error, refetch } = useQuery({
    queryKey: WEBHOOKS,
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/webhooks", { signal })).items,
  });
  const pause = useMutation({
    mutationFn: ({ id, state }: Webhook) =>
      api.PATCH("/api/webhooks/{webhook_id}", {
        params: { path: { webhook_id: id } },
        body: { is_paused: state === "active" },
      }),
    onSettled: anew,
  });
  const deed = asked && { webhook: asked.webhook, done: anew, close: () => setAsked(null) };
  const make = (
    <Button look="primary" onClick={() => setMaking(true)}>
      {texts.make}
    </Button>
  );
  return (
    <Page title={texts.place} detail={texts.detail} action={make}>
      {pause.error && (
        <p className={css.wrong} role="alert">
          {`${texts.failed}: ${pause.error.message}`}
        </p>
      )}
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Loading />)}
      {data?.length === 0 && <p>{texts.none}</p>}
      {data && data.length > 0 && (
        <Table name={texts.place} heads={Object.values(texts.head)}>
          {data.map((webhook) => (
            <Row
              key={webhook.id}
              webhook={webhook}
              isBusy={pause.isPending}
              pause={() => pause.mutate(webhook)}
              ask={(one) => setAsked({ deed: one, webhook })}
            />
          ))}
        </Table>
      )}
      {isMaking && <Make made={setSecret} done={anew} close={() => setMaking(false)} />}
      {deed && asked?.deed === "change" && <Change {...deed} />}
      {deed && asked?.deed === "rotate" && <Rotate {...deed} made={setSecret} />}
      {deed && asked?.deed === "remove" && <Remove {...deed} />}
      {secret && <Secret secret={secret} close={() => setSecret(null)} />}
    </Page>
  );
}

interface RowProps {
  webhook: Webhook;
  isBusy: boolean;
  pause: () => void;
  ask: (deed: Deed) => void;
}

function Row({ webhook, isBusy, pause, ask }: RowProps) {
  const { id, url, events, task_id: task, state, created_at: made, old_secret_until: until } = webhook;
  const name = nameOf(url);
  return (
    <tr className={state === "active" ? undefined : css.silent}>
      <th scope="row" className={css.named}>
        {url}
      </th>
      <td className={css.named}>
        {events.map((event) => texts.event[event]).join(", ")}
        {task && <span className={css.model}>{texts.ofTask(task)}</span>}
      </td>
      <td>
        {texts.state[state]}
        {until && <span className={css.model}>{texts.oldSecret(moment(until))}</span>}
      </td>
      <td>{moment(made)}</td>
      <td className={css.acts}>
        <Link href={`/admin/webhooks/${id}`} aria-label={`${texts.deliveries}: ${name}`}>
          {texts.deliveries}
        </Link>{" "}
        <Button isCompact disabled={isBusy} onClick={pause} aria-label={`${pausing(state)}: ${name}`}>
          {pausing(state)}
        </Button>
        <Button isCompact onClick={() => ask("change")} aria-label={`${texts.change}: ${name}`}>
          {texts.change}
        </Button>
        <Button isCompact onClick={() => ask("rotate")} aria-label={`${texts.rotate}: ${name}`}>
          {texts.rotate}
        </Button>
        <Button isCompact look="danger" onClick={() => ask("remove")} aria-label={`${texts.remove}: ${name}`}>
          {texts.remove}
        </Button>
      </td>
    </tr>
  );
}

const pausing = (state: Webhook["state"]) => (state === "active" ? texts.pause : texts.goOn);
