import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { api, bodyOf, type Schemas, serverNow } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm } from "../shell/Confirm";
import { Failure, Loading } from "../shell/States";
import { en } from "../texts/en";
import { admin as texts } from "../texts/en.admin";
import { moment, since } from "../texts/en.tasks";
import css from "./admin.module.css";

const LOOK_EVERY_MS = 5_000;
const SILENT_MS = 30_000;
const LETTERS = 200;

export default function Admin() {
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
  const { replicas, queues, outbox, outbox_lag_s, requests_per_minute, dead_letters } = status.data;
  const said = [
    texts.summary.requests(requests_per_minute),
    outbox === null ? null : texts.summary.outbox(outbox),
    outbox && outbox_lag_s !== null ? texts.summary.lag(outbox_lag_s) : null,
  ];
  return (
    <div className={css.page}>
      <h1>{texts.title}</h1>
      <p className={css.summary}>{said.filter((one) => one !== null).join(", ")}</p>
      <Section title={texts.services}>
        <Replicas replicas={replicas} />
      </Section>
      <Section title={texts.queues}>{queues ? <Queues queues={queues} /> : <p>{texts.noQueues}</p>}</Section>
      <DeadLetters count={dead_letters} />
    </div>
  );
}

function Section({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.section}>
      <header>
        <h2>{title}</h2>
        {action}
      </header>
      {children}
    </section>
  );
}

function Table({ name, heads, children }: { name: string; heads: readonly string[]; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box that the keyboard has to reach
    <section className={css.scrolled} tabIndex={0} aria-label={name}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

function Replicas({ replicas }: { replicas: Schemas["ReplicaStatus"][] }) {
  const { name, services, version, seen, requests, errors, busy } = texts.replica;
  return (
    <Table name={texts.services} heads={[name, services, version, seen, requests, errors, busy]}>
      {replicas.map((replica) => {
        const isSilent = serverNow() - Date.parse(replica.seen_at) > SILENT_MS;
        return (
          <tr key={replica.name} className={isSilent ? css.silent : undefined}>
            <th scope="row">{replica.name}</th>
            <td>{replica.services.join(", ")}</td>
            <td>{replica.version}</td>
            <td>
              {since(replica.seen_at, serverNow())} {isSilent && texts.replica.silent}
            </td>
            <td className={css.number}>{en.number(replica.requests_per_minute)}</td>
            <td className={css.number}>{en.number(replica.errors_per_minute)}</td>
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
    <Table name={texts.queues} heads={[name, messages, age, rate]}>
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

function DeadLetters({ count }: { count: number | null }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<readonly string[] | null>(null);
  const [replayed, setReplayed] = useState<number | null>(null);
  const letters = useQuery({
    queryKey: ["admin", "dead", count],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/admin/dead", { params: { query: { limit: LETTERS } }, signal })),
  });
  const replay = async () => {
    const answer = bodyOf(await api.POST("/api/admin/dead/replay", { body: { ids: asked ? [...asked] : null } }));
    setReplayed(answer.replayed);
    return undefined;
  };
  const items = letters.data?.items ?? [];
  const { died, queue, type, subject, reason } = texts.letter;
  const all = items.length > 0 && (
    <Button isCompact onClick={() => setAsked(items.map(({ id }) => id))}>
      {texts.replayAll(items.length)}
    </Button>
  );
  return (
    <Section title={texts.dead} action={all}>
      {letters.error && <Failure error={letters.error} retry={() => letters.refetch()} />}
      {letters.data && items.length === 0 && <p>{texts.noLetters}</p>}
      {replayed !== null && <p role="status">{texts.replayed(replayed)}</p>}
      {items.length > 0 && (
        <Table name={texts.dead} heads={[died, queue, type, subject, reason, texts.replay]}>
          {items.map((letter) => (
            <tr key={letter.id}>
              <td>{moment(letter.died_at)}</td>
              <td>{letter.queue}</td>
              <td>{letter.type}</td>
              <td>{letter.subject}</td>
              <td className={css.reason}>{letter.reason}</td>
              <td>
                <Button isCompact onClick={() => setAsked([letter.id])}>
                  {texts.replay}
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {asked && (
        <Confirm
          title={asked.length === 1 ? texts.replay : texts.replayAll(asked.length)}
          detail={texts.replayDetail}
          go={texts.replay}
          act={replay}
          done={() => client.invalidateQueries({ queryKey: ["admin"] })}
          close={() => setAsked(null)}
        />
      )}
    </Section>
  );
}
