import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { Confirm, Field } from "../shell/Confirm";
import { erasing as texts } from "../texts/en.erasing";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { Section, Table } from "./Table";

type Erasure = Schemas["ErasureShown"];

const ERASURES = ["admin", "erasures"];
const LOOK_EVERY_MS = 2_000;

interface EraseProps {
  person: { id: string; name: string };
  done: () => void;
  close: () => void;
}

/** Asks before a person is erased: it says what goes and what stays, and takes their name. */
export function Erase({ person: { id, name }, done, close }: EraseProps) {
  const client = useQueryClient();
  const act = async (fields: FormData) => {
    if (!isSame(String(fields.get("name")), name)) return texts.otherName(name);
    await api.POST("/api/admin/erasures", { body: { person: id } });
    await client.invalidateQueries({ queryKey: ERASURES });
    return undefined;
  };
  return (
    <Confirm title={texts.title(name)} go={texts.go} isDangerous act={act} done={done} close={close}>
      <ul className={css.points}>
        {texts.outcome(name).map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
      <Field name="name" title={texts.typeName} hint={texts.typeHint(name)}>
        {(field) => <input {...field} autoComplete="off" />}
      </Field>
    </Confirm>
  );
}

function isSame(typed: string, name: string): boolean {
  return typed.trim().normalize("NFC") === name.normalize("NFC");
}

/** The people who were erased last, by what stands in their place, and how far each service is. */
export function Erasures() {
  const { data, error } = useQuery({
    queryKey: ERASURES,
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/admin/erasures", { signal })).items,
    refetchInterval: ({ state }) => (state.data?.some(isUnderWay) ? LOOK_EVERY_MS : false),
  });
  if (!data) {
    return error && <p className={css.wrong} role="alert">{`${texts.unknown}: ${error.message}`}</p>;
  }
  const services = Object.keys(data[0]?.done ?? {});
  if (services.length === 0) return null;
  return (
    <Section title={texts.erased}>
      <p role="status">{texts.summary(data.filter(isUnderWay).length)}</p>
      <Table name={texts.erased} heads={[texts.pseudonym, texts.at, ...services.map(texts.service)]}>
        {data.map(({ pseudonym, erased_at: at, done }) => (
          <tr key={pseudonym}>
            <th scope="row">{pseudonym}</th>
            <td>{moment(at)}</td>
            {services.map((service) => {
              const when = done[service];
              return <td key={service}>{when ? moment(when) : texts.underWay}</td>;
            })}
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function isUnderWay({ done }: Erasure): boolean {
  return Object.values(done).some((at) => at === null);
}
