import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Failure, Loading } from "../shell/States";
import { type Named, useNames } from "../shell/useNames";
import { en } from "../texts/en";
import { operatorsReport as texts } from "../texts/en.consensus";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { More } from "./More";
import { Page } from "./Page";
import { Section, Table } from "./Table";
import { usePages } from "./usePages";

type Counted = Schemas["OperatorsShown"];

const LOOK_MS = 1_000;
const HEAD = ["admin", "operators-head"];
const LIST = ["admin", "operators-list"];

/** How the team's operators vote, and what of it is unusual. */
export default function OperatorsReport() {
  const client = useQueryClient();
  const head = useQuery({
    queryKey: HEAD,
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/admin/operators", { params: { query: { limit: 1 } }, signal })),
    refetchInterval: ({ state: { data } }) => (isCounting(data) ? LOOK_MS : false),
  });
  const count = useMutation({
    mutationFn: () => api.POST("/api/admin/operators"),
    onSettled: () => client.invalidateQueries({ queryKey: HEAD }),
  });
  const named = useNames();
  const isBusy = count.isPending || isCounting(head.data);
  const action = (
    <Button look="primary" disabled={isBusy} onClick={() => count.mutate()}>
      {texts.count}
    </Button>
  );
  const { data } = head;
  return (
    <Page title={texts.place} detail={texts.detail} action={action}>
      {count.error && (
        <p className={css.wrong} role="alert">
          {count.error.message}
        </p>
      )}
      {!data && (head.error ? <Failure error={head.error} retry={head.refetch} /> : <Loading />)}
      {data && <p role="status">{saidOf(data)}</p>}
      {data?.as_of && <Operators key={data.as_of} counted={data} named={named} />}
    </Page>
  );
}

const isCounting = (data: Counted | undefined) => data?.state === "waiting" || data?.state === "running";

/** What is said of the counting itself. */
export function saidOf({ state, why, as_of: at, votes, images }: Counted): string {
  const said = [
    isCounting({ state } as Counted) ? texts.counting : null,
    state === "failed" ? texts.failed(why ?? "") : null,
    at ? texts.asOf(moment(at), votes, images) : null,
  ].filter((one) => one !== null);
  return said.length > 0 ? said.join(" ") : texts.never;
}

function Operators({ counted, named }: { counted: Counted; named: Named }) {
  const pages = usePages([...LIST, counted.as_of ?? ""], async (cursor, signal) =>
    bodyOf(await api.GET("/api/admin/operators", { params: { query: { cursor, limit: 100 } }, signal })),
  );
  if (!pages.items) return pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />;
  return (
    <>
      <Table name={texts.place} heads={Object.values(texts.head)} numbersFrom={3}>
        {pages.items.map((one) => (
          <Row key={one.operator} one={one} name={named(one.operator)} />
        ))}
      </Table>
      <More pages={pages} />
      {counted.pairs.length > 0 && <Pairs pairs={counted.pairs} named={named} />}
    </>
  );
}

function Row({ one, name }: { one: Schemas["OperatorShown"]; name: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <Flags flags={one.flags} />
      </td>
      <td>{moment(one.last_vote_at)}</td>
      <td className={css.number}>{en.number(one.votes)}</td>
      <td className={css.number}>{en.number(one.votes_7d)}</td>
      <td className={css.number}>{one.pace_per_minute?.toFixed(1)}</td>
      <td className={css.number}>{one.agreement !== null && en.percent(one.agreement)}</td>
      <td className={css.number}>{en.percent(one.unsure_share)}</td>
      <td className={css.number}>
        {one.commonest_label !== null && texts.commonest(one.commonest_label, one.commonest_share ?? 0)}
      </td>
      <td className={css.number}>{en.number(one.longest_run)}</td>
    </tr>
  );
}

function Pairs({ pairs, named }: { pairs: readonly Schemas["TogetherShown"][]; named: Named }) {
  return (
    <Section title={texts.pairs}>
      <p>{texts.pairsDetail}</p>
      <Table name={texts.pairs} heads={Object.values(texts.pairHead)} numbersFrom={2}>
        {pairs.map(({ operators, flags, common, alike, off, off_alike: offAlike }) => {
          const [one = "", other = ""] = operators.map(named);
          return (
            <tr key={operators.join(" ")}>
              <th scope="row">{texts.pair(one, other)}</th>
              <td>
                <Flags flags={flags} />
              </td>
              <td className={css.number}>{en.number(common)}</td>
              <td className={css.number}>{en.number(alike)}</td>
              <td className={css.number}>{en.number(off)}</td>
              <td className={css.number}>{en.number(offAlike)}</td>
            </tr>
          );
        })}
      </Table>
    </Section>
  );
}

function Flags({ flags }: { flags: Schemas["OperatorShown"]["flags"] }) {
  return flags.map((flag) => texts.flag[flag]).join(", ");
}
