import { useSearchParams } from "wouter";
import { api, bodyOf, type Schemas } from "../api/client";
import button from "../shell/button.module.css";
import { Failure, Loading } from "../shell/States";
import { actions, people } from "../texts/en.account";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { More } from "./More";
import { Page } from "./Page";
import { Table } from "./Table";
import { usePages } from "./usePages";

type Entry = Schemas["AuditEntryShown"];
type Action = Entry["action"];

const texts = people.audit;
const ACTIONS = Object.keys(actions) as Action[];

/** What was done in a team, by whom, and from where. */
export default function Audit() {
  const [search, setSearch] = useSearchParams();
  const chosen = ACTIONS.find((action) => action === search.get("action")) ?? null;
  const pages = usePages(["admin", "audit", chosen ?? ""], async (cursor, signal) =>
    bodyOf(await api.GET("/api/admin/audit", { params: { query: { action: chosen, cursor } }, signal })),
  );
  const choose = (action: string) => setSearch(action ? { action } : {}, { replace: true });
  const { at, who, action, object, address } = texts.head;
  const save = (
    <a className={button.button} href="/api/admin/audit/export" download>
      {texts.export}
    </a>
  );
  return (
    <Page title={people.places.audit} detail={texts.detail} action={save}>
      <label className={css.filter}>
        {texts.filter}
        <select value={chosen ?? ""} onChange={(event) => choose(event.target.value)}>
          <option value="">{texts.all}</option>
          {ACTIONS.map((one) => (
            <option key={one} value={one}>
              {actions[one]}
            </option>
          ))}
        </select>
      </label>
      {!pages.items && (pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />)}
      {pages.items?.length === 0 && <p>{texts.none}</p>}
      {pages.items && pages.items.length > 0 && (
        <Table name={people.places.audit} heads={[at, who, action, object, address]}>
          {pages.items.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
        </Table>
      )}
      <More pages={pages} />
    </Page>
  );
}

function Row({ entry: { at, actor_name, action, object, address, outcome } }: { entry: Entry }) {
  const what = actions[action];
  return (
    <tr>
      <td>
        <time dateTime={at}>{moment(at)}</time>
      </td>
      <th scope="row" className={css.named}>
        {actor_name}
      </th>
      <td>{outcome === "refused" ? texts.refused(what) : what}</td>
      <td>{object}</td>
      <td>{address}</td>
    </tr>
  );
}
