import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, type Schemas } from "../api/client";
import type { Role } from "../api/fields";
import { Button } from "../shell/Button";
import { Confirm } from "../shell/Confirm";
import { Once } from "../shell/Once";
import { chosenRoles, RoleChoice } from "../shell/RoleChoice";
import { Failure, Loading } from "../shell/States";
import { account, people } from "../texts/en.account";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { Page } from "./Page";
import { Table } from "./Table";

type Invitation = Schemas["InvitationShown"];

const texts = people.invitations;
const ROLES = Object.keys(account.roles) as Role[];
const INVITATIONS = ["admin", "invitations"];

/** Links by which people join the team. */
export default function Invitations() {
  const client = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [link, setLink] = useState<string | null>(null);
  const [revoked, setRevoked] = useState<Invitation | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: INVITATIONS,
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/invitations", { signal })).items,
  });
  const anew = () => client.invalidateQueries({ queryKey: INVITATIONS });
  const invite = async (fields: FormData) => {
    const roles = chosenRoles(fields);
    if (roles.length === 0) return account.keys.noRole;
    const { url } = bodyOf(await api.POST("/api/invitations", { body: { roles } }));
    setLink(location.origin + url);
    return undefined;
  };
  const withdraw = async () => {
    const path = { invitation_id: revoked?.id ?? "" };
    await api.DELETE("/api/invitations/{invitation_id}", { params: { path } });
    return undefined;
  };
  const make = (
    <Button look="primary" onClick={() => setMaking(true)}>
      {texts.make}
    </Button>
  );
  return (
    <Page title={people.places.invitations} detail={texts.detail} action={make}>
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Loading />)}
      {data?.length === 0 && <p>{texts.none}</p>}
      {data && data.length > 0 && <Open invitations={data} revoke={setRevoked} />}
      {isMaking && (
        <Confirm title={texts.make} go={texts.go} act={invite} done={anew} close={() => setMaking(false)}>
          <RoleChoice title={texts.roles} roles={ROLES} chosen={["operator"]} />
        </Confirm>
      )}
      {link && (
        <Once
          title={texts.madeTitle}
          detail={texts.madeDetail}
          secret={link}
          copy={texts.copy}
          close={() => setLink(null)}
        />
      )}
      {revoked && (
        <Confirm
          title={texts.revokeTitle}
          detail={texts.revokeDetail}
          go={texts.revoke}
          isDangerous
          act={withdraw}
          done={anew}
          close={() => setRevoked(null)}
        />
      )}
    </Page>
  );
}

function Open({ invitations, revoke }: { invitations: Invitation[]; revoke: (one: Invitation) => void }) {
  const { roles, acts } = account.keys.head;
  return (
    <Table name={people.places.invitations} heads={[roles, texts.made, texts.expires, acts]}>
      {invitations.map((one) => (
        <tr key={one.id}>
          <th scope="row">{account.rolesOf(one.roles)}</th>
          <td>{moment(one.created_at)}</td>
          <td>{moment(one.expires_at)}</td>
          <td className={css.acts}>
            <Button isCompact look="danger" onClick={() => revoke(one)}>
              {texts.revoke}
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}
