import { useSearchParams } from "wouter";
import { api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import button from "../shell/button.module.css";
import { Failure, Loading } from "../shell/States";
import { actions, people } from "../texts/en.account";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { exportOf, FILTERS, type Filter, wantedOf } from "./auditFilter";
import { More } from "./More";
import { Page } from "./Page";
import { Table } from "./Table";
import { usePages } from "./usePages";

type Entry = Schemas["AuditEntryShown"];
type Action = Entry["action"];
type Choose = (name: Filter, value: string) => void;

const texts = people.audit;
const ACTIONS = Object.keys(actions) as Action[];

/** What was done in a team, by whom, and from where. */
export default function Audit() {
  const [search, setSearch] = useSearchParams();
  const wanted = wantedOf(search, ACTIONS);
  const pages = usePages(["admin", "audit", JSON.stringify(wanted)], async (cursor, signal) =>
    bodyOf(await api.GET("/api/admin/audit", { params: { query: { ...wanted, cursor } }, signal })),
  );
  const choose: Choose = (name, value) => {
    const kept = FILTERS.filter((one) => one !== name).map((one) => [one, search.get(one) ?? ""]);
    const all = [...kept, [name, value]].filter(([, chosen]) => chosen);
    setSearch(Object.fromEntries(all), { replace: true });
  };
  const { at, who, action, object, address } = texts.head;
  const save = (
    <div className={css.saves}>
      {(["csv", "jsonl"] as const).map((format) => (
        <a key={format} className={button.button} href={exportOf(wanted, format)} download>
          {texts.export[format]}
        </a>
      ))}
    </div>
  );
  return (
    <Page title={people.places.audit} detail={texts.detail} action={save}>
      <Filters search={search} choose={choose} clear={() => setSearch({}, { replace: true })} />
      {!pages.items && (pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />)}
      {pages.items?.length === 0 && <p>{texts.none}</p>}
      {pages.items && pages.items.length > 0 && (
        <Table name={people.places.audit} heads={[at, who, action, object, address]}>
          {pages.items.map((entry) => (
            <Row key={entry.id} entry={entry} choose={choose} />
          ))}
        </Table>
      )}
      <More pages={pages} />
    </Page>
  );
}

function Filters({ search, choose, clear }: { search: URLSearchParams; choose: Choose; clear: () => void }) {
  const isAny = FILTERS.some((name) => search.get(name));
  return (
    <div className={css.filter}>
      <label>
        {texts.filter}
        <select value={search.get("action") ?? ""} onChange={(event) => choose("action", event.target.value)}>
          <option value="">{texts.all}</option>
          {ACTIONS.map((one) => (
            <option key={one} value={one}>
              {actions[one]}
            </option>
          ))}
        </select>
      </label>
      {(["from", "to"] as const).map((name) => (
        <label key={name}>
          {texts[name]}
          <input type="date" value={search.get(name) ?? ""} onChange={(event) => choose(name, event.target.value)} />
        </label>
      ))}
      {(["actor", "object"] as const).map(
        (name) =>
          search.get(name) && (
            <Button key={name} isCompact onClick={() => choose(name, "")}>
              {texts.not[name](search.get(name) ?? "")}
            </Button>
          ),
      )}
      {isAny && (
        <Button isCompact onClick={clear}>
          {texts.clear}
        </Button>
      )}
    </div>
  );
}

function Row({ entry, choose }: { entry: Entry; choose: Choose }) {
  const { at, actor, actor_name, action, object, address, outcome } = entry;
  const what = actions[action];
  return (
    <tr>
      <td>
        <time dateTime={at}>{moment(at)}</time>
      </td>
      <th scope="row" className={css.named}>
        <button type="button" className={css.only} title={texts.only.actor} onClick={() => choose("actor", actor)}>
          {actor_name}
        </button>
      </th>
      <td>{outcome === "refused" ? texts.refused(what) : what}</td>
      <td>
        <button type="button" className={css.only} title={texts.only.object} onClick={() => choose("object", object)}>
          {object}
        </button>
      </td>
      <td>{address}</td>
    </tr>
  );
}
