import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm, Field } from "../shell/Confirm";
import { Once } from "../shell/Once";
import { Failure, Loading } from "../shell/States";
import { askSession } from "../shell/session";
import { people } from "../texts/en.account";
import css from "./admin.module.css";
import { Page } from "./Page";
import { Table } from "./Table";

type Team = Schemas["TeamShown"];

const texts = people.teams;
const TEAMS = ["admin", "teams"];

/** The teams of whoever runs the platform, who makes those of all others. */
export default function Teams() {
  const client = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<{ name: string; link: string } | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: TEAMS,
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/teams", { signal })).items,
  });
  const anew = () => {
    void client.invalidateQueries({ queryKey: TEAMS });
    void askSession(); // the menu has one team more
  };
  const make = async (fields: FormData) => {
    const name = String(fields.get("name")).trim();
    if (name === "") return texts.noName;
    const invite = fields.has("invite");
    const { invitation_url: url } = bodyOf(await api.POST("/api/teams", { body: { name, invite } }));
    if (url) setMade({ name, link: location.origin + url });
    return undefined;
  };
  const button = (
    <Button look="primary" onClick={() => setMaking(true)}>
      {texts.make}
    </Button>
  );
  return (
    <Page title={people.places.teams} detail={texts.detail} action={button}>
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Loading />)}
      {data && <Listed teams={data} />}
      {isMaking && (
        <Confirm title={texts.make} go={texts.go} act={make} done={anew} close={() => setMaking(false)}>
          <Field name="name" title={texts.name}>
            {(id) => <input {...id} autoComplete="off" maxLength={100} />}
          </Field>
          <label className={css.box}>
            <input type="checkbox" name="invite" defaultChecked />
            {texts.invite}
          </label>
        </Confirm>
      )}
      {made && (
        <Once
          title={texts.madeTitle(made.name)}
          detail={texts.madeDetail}
          secret={made.link}
          copy={people.invitations.copy}
          close={() => setMade(null)}
        />
      )}
    </Page>
  );
}

function Listed({ teams }: { teams: Team[] }) {
  return (
    <Table name={people.places.teams} heads={[texts.name]}>
      {teams.map(({ id, name }) => (
        <tr key={id}>
          <th scope="row">{name}</th>
        </tr>
      ))}
    </Table>
  );
}
