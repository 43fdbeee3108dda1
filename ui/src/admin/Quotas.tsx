import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm, Field } from "../shell/Confirm";
import { useMe } from "../shell/me";
import { Failure, Loading } from "../shell/States";
import { en } from "../texts/en";
import { people } from "../texts/en.account";
import { quotas as texts } from "../texts/en.quotas";
import css from "./admin.module.css";
import { More } from "./More";
import { Page } from "./Page";
import { FIELDS, leaseQuotas, type Row, read, rows, save, typed } from "./quotas";
import { Table } from "./Table";
import { usePages } from "./usePages";

const QUOTAS = ["admin", "quotas"];
const LEASES = ["admin", "lease-quotas"];

/** What teams have and may have, for those who run the platform. */
export default function Quotas() {
  const client = useQueryClient();
  const [edited, setEdited] = useState<Row | null>(null);
  const nameOf = useTeamNames();
  const pages = usePages(QUOTAS, async (cursor, signal) =>
    bodyOf(await api.GET("/api/admin/quotas", { params: { query: { cursor } }, signal })),
  );
  const leases = useQuery({ queryKey: LEASES, queryFn: ({ signal }) => leaseQuotas(signal) });
  const error = pages.error ?? leases.error;
  const retry = () => void Promise.all([pages.refetch(), leases.refetch()]);
  const anew = () => {
    for (const queryKey of [QUOTAS, LEASES]) void client.invalidateQueries({ queryKey });
  };
  const shown = pages.items && leases.data && rows(pages.items, leases.data);
  return (
    <Page title={people.places.quotas} detail={texts.detail}>
      {!shown && (error ? <Failure error={error} retry={retry} /> : <Loading />)}
      {shown?.length === 0 && <p>{texts.none}</p>}
      {shown && shown.length > 0 && <Teams rows={shown} nameOf={nameOf} edit={setEdited} />}
      <More pages={pages} />
      {edited && <Edit row={edited} name={nameOf(edited.team)} done={anew} close={() => setEdited(null)} />}
    </Page>
  );
}

/** The names of those teams that the caller is in; another's is its id. */
function useTeamNames(): (team: string) => string {
  const me = useMe();
  const { data } = useQuery({
    queryKey: ["teams"],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/teams", { signal })).items,
    enabled: me.auth === "on",
  });
  const names = new Map(data?.map(({ id, name }) => [id, name]));
  return (team) => names.get(team) ?? (team === "first" ? texts.firstTeam : team);
}

interface TeamsProps {
  rows: readonly Row[];
  nameOf: (team: string) => string;
  edit: (row: Row) => void;
}

function Teams({ rows, nameOf, edit }: TeamsProps) {
  const { team, images, bytes, openTasks, liveLeases, acts } = texts.head;
  const number = (value: number | null) => (value === null ? null : en.number(value));
  return (
    <Table name={people.places.quotas} heads={[team, images, bytes, openTasks, liveLeases, acts]}>
      {rows.map((row) => {
        const { usage, limits } = row;
        const most = limits.bytes === null ? null : texts.bytes(limits.bytes);
        return (
          <tr key={row.team}>
            <th scope="row" className={css.named}>
              {nameOf(row.team)}
            </th>
            <td>{texts.of(en.number(usage.images), number(limits.images))}</td>
            <td>{texts.of(texts.bytes(usage.bytes), most)}</td>
            <td>{texts.of(en.number(usage.open_tasks), number(limits.open_tasks))}</td>
            <td>{number(limits.live_leases) ?? texts.usual}</td>
            <td className={css.acts}>
              <Button isCompact onClick={() => edit(row)}>
                {texts.edit}
              </Button>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

interface EditProps {
  row: Row;
  name: string;
  done: () => void;
  close: () => void;
}

function Edit({ row, name, done, close }: EditProps) {
  const before = typed(row);
  const hints = { images: undefined, megabytes: texts.storageHint, openTasks: texts.openHint, liveLeases: undefined };
  const act = async (fields: FormData) => {
    const wanted = read(fields);
    if (typeof wanted === "string") return texts.notNumber(texts.field[wanted]);
    await save(row.team, wanted);
    return undefined;
  };
  return (
    <Confirm
      title={texts.editTitle(name)}
      detail={texts.editDetail}
      go={texts.save}
      act={act}
      done={done}
      close={close}
    >
      {FIELDS.map((field) => (
        <Field key={field} name={field} title={texts.field[field]} hint={hints[field]}>
          {(id) => <input {...id} inputMode="numeric" autoComplete="off" defaultValue={before[field]} />}
        </Field>
      ))}
    </Confirm>
  );
}
