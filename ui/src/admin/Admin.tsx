import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Redirect } from "wouter";
import { api, bodyOf, type Schemas, serverNow } from "../api/client";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { Failure, Loading } from "../shell/States";
import { en } from "../texts/en";
import { admin as texts } from "../texts/en.admin";
import { since } from "../texts/en.tasks";
import { AdminPlaces } from "./AdminPlaces";
import css from "./admin.module.css";
import { DeadLetters } from "./DeadLetters";
import { Section, Table } from "./Table";

const Plots = lazy(() => import("./Plots")); // with what draws them, which nothing else needs
const LOOK_EVERY_MS = 5_000;
const SILENT_MS = 30_000;

/** The platform itself, for those who run it; a team's other admins are led to its people. */
export default function Admin() {
  return may(useMe(), "operate") ? <Platform /> : <Redirect to="/admin/people" replace />;
}

function Platform() {
  const status = useQuery({
    queryKey: ["admin", "status"],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/admin/status", { signal })),
    refetchInterval: LOOK_EVERY_MS,
  });
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  if (status.error && !status.data) return <Failure error={status.error} retry={() => status.refetch()} />;
  if (!status.data) return <Loading />;
  const { queues, outbox, outbox_lag_s, requests_per_minute, dead_letters } = status.data;
  const said = [
    texts.summary.requests(requests_per_minute),
    outbox === null ? null : texts.summary.outbox(outbox),
    outbox && outbox_lag_s !== null ? texts.summary.lag(outbox_lag_s) : null,
  ];
  return (
    <div className={css.page}>
      <AdminPlaces />
      <h1>{texts.title}</h1>
      <p className={css.summary}>{said.filter((one) => one !== null).join(", ")}</p>
      <Suspense fallback={<Loading />}>
        <Plots />
      </Suspense>
      <Section title={texts.services}>
        <Services />
      </Section>
      <Section title={texts.queues}>{queues ? <Queues queues={queues} /> : <p>{texts.noQueues}</p>}</Section>
      <DeadLetters count={dead_letters} />
    </div>
  );
}

/** Every replica; one that has said nothing for a while is grey. */
function Services() {
  const { data, error, refetch } = useQuery({
    queryKey: ["admin", "services"],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/admin/services", { signal })),
    refetchInterval: LOOK_EVERY_MS,
  });
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading />;
  const { name, services, version, seen, requests, errors, p95, busy } = texts.replica;
  return (
    <Table name={texts.services} heads={[services, name, version, seen, requests, errors, p95, busy]} numbersFrom={4}>
      {data.services.map((replica) => {
        const isSilent = Date.parse(data.as_of) - Date.parse(replica.last_seen_at) > SILENT_MS;
        return (
          <tr key={replica.replica} className={isSilent ? css.silent : undefined}>
            <th scope="row">
              {replica.service}
              {replica.model && <span className={css.model}>{replica.model}</span>}
            </th>
            <td>{replica.replica}</td>
            <td>{replica.version}</td>
            <td>
              {[since(replica.last_seen_at, serverNow()), isSilent && texts.replica.silent].filter(Boolean).join(", ")}
            </td>
            <td className={css.number}>{en.number(replica.requests_per_minute)}</td>
            <td className={css.number}>{en.number(replica.errors_per_minute)}</td>
            <td className={css.number}>{replica.p95_ms !== null && texts.milliseconds(replica.p95_ms)}</td>
            <td className={css.number}>{en.percent(replica.busy)}</td>
          </tr>
        );
      })}
    </Table>
  );
}

function Queues({ queues }: { queues: Schemas["QueueStatus"][] }) {
  const { name, messages, age, rate } = texts.queue;
  return (
    <Table name={texts.queues} heads={[name, messages, age, rate]} numbersFrom={1}>
      {queues.map((queue) => (
        <tr key={queue.queue}>
          <th scope="row">{queue.queue}</th>
          <td className={css.number}>{en.number(queue.messages)}</td>
          <td className={css.number}>{queue.messages > 0 ? texts.seconds(queue.age_s) : ""}</td>
          <td className={css.number}>{en.number(queue.handled_per_minute)}</td>
        </tr>
      ))}
    </Table>
  );
}
