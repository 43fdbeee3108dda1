import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Link, useParams } from "wouter";
import { api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Failure, Loading } from "../shell/States";
import { moment } from "../texts/en.tasks";
import { nameOf, webhooks as texts } from "../texts/en.webhooks";
import css from "./admin.module.css";
import { More } from "./More";
import { Page } from "./Page";
import { Table } from "./Table";
import { usePages } from "./usePages";
import { WEBHOOKS } from "./Webhooks";

type Delivery = Schemas["DeliveryShown"];
type State = Delivery["state"];

const STATES = Object.keys(texts.deliveryState) as State[];

/** What one webhook was told, what came of it, and why. */
export default function Deliveries() {
  const { webhook: id = "" } = useParams<{ webhook: string }>();
  const client = useQueryClient();
  const [state, setState] = useState<State | "">("");
  const path = { webhook_id: id };
  const webhook = useQuery({
    queryKey: [...WEBHOOKS, id],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/webhooks/{webhook_id}", { params: { path }, signal })),
  });
  const key = [...WEBHOOKS, id, "deliveries", state];
  const pages = usePages(key, async (cursor, signal) => {
    const query = { cursor, state: state || null };
    return bodyOf(await api.GET("/api/webhooks/{webhook_id}/deliveries", { params: { path, query }, signal }));
  });
  const again = useMutation({
    mutationFn: ({ id: delivery }: Delivery) =>
      api.POST("/api/webhooks/{webhook_id}/deliveries/{delivery_id}/send", {
        params: { path: { ...path, delivery_id: delivery } },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: [...WEBHOOKS, id] }),
  });
  const error = webhook.error ?? pages.error;
  const isThere = webhook.data && pages.items;
  return (
    <Page title={texts.deliveries} detail={webhook.data ? texts.of(nameOf(webhook.data.url)) : ""} action={<Back />}>
      <Choice state={state} choose={setState} />
      {again.error && (
        <p className={css.wrong} role="alert">
          {`${texts.failed}: ${again.error.message}`}
        </p>
      )}
      {!isThere && (error ? <Failure error={error} retry={() => retry(webhook, pages)} /> : <Loading />)}
      {pages.items?.length === 0 && <p>{texts.noDeliveries}</p>}
      {pages.items && pages.items.length > 0 && (
        <Table name={texts.deliveries} heads={Object.values(texts.deliveryHead)}>
          {pages.items.map((delivery) => (
            <Row
              key={delivery.id}
              delivery={delivery}
              isBusy={again.isPending || webhook.data?.state !== "active"}
              again={() => again.mutate(delivery)}
            />
          ))}
        </Table>
      )}
      <More pages={pages} />
    </Page>
  );
}

function retry(...asked: { refetch: () => unknown }[]): void {
  for (const one of asked) void one.refetch();
}

function Back() {
  return <Link href="/admin/webhooks">{texts.back}</Link>;
}

function Choice({ state, choose }: { state: State | ""; choose: (state: State | "") => void }) {
  const id = useId();
  return (
    <div className={css.filter}>
      <label htmlFor={id}>{texts.filter}</label>
      <select id={id} value={state} onChange={(event) => choose(event.currentTarget.value as State | "")}>
        <option value="">{texts.all}</option>
        {STATES.map((one) => (
          <option key={one} value={one}>
            {texts.deliveryState[one]}
          </option>
        ))}
      </select>
    </div>
  );
}

function Row({ delivery, isBusy, again }: { delivery: Delivery; isBusy: boolean; again: () => void }) {
  const { event, task_id: task, state, created_at: made, next_try_at: next, tries } = delivery;
  const last = tries.at(-1);
  return (
    <tr>
      <td>{moment(made)}</td>
      <td>{texts.event[event]}</td>
      <td className={css.named}>
        <Link href={`/tasks/${task}`}>{task}</Link>
      </td>
      <td>
        {texts.deliveryState[state]}
        {next && last && <span className={css.model}>{texts.next(moment(next))}</span>}
      </td>
      <td className={css.reason}>
        {last?.reason ?? (state === "expired" ? texts.neverTried : texts.untried)}
        {last && <span className={css.model}>{`${texts.tries(tries.length)}, ${moment(last.at)}`}</span>}
      </td>
      <td className={css.acts}>
        <Button isCompact disabled={isBusy} onClick={again} aria-label={`${texts.again}: ${moment(made)}`}>
          {texts.again}
        </Button>
      </td>
    </tr>
  );
}
