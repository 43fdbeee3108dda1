import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { KeyRow, type KeyShown, keyHeads } from "../admin/KeyRow";
import { Section, Table } from "../admin/Table";
import { api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm, Field } from "../shell/Confirm";
import { useMe } from "../shell/me";
import { Once } from "../shell/Once";
import { chosenRoles, RoleChoice } from "../shell/RoleChoice";
import { Failure, Loading } from "../shell/States";
import { account } from "../texts/en.account";

const texts = account.keys;
const KEYS = ["me", "keys"];
const DAY_MS = 86_400_000;
/** In this order: the first is chosen where nobody chooses. */
const ENDS = ["90", "30", "365", ""] as const;

/** The keys of whoever is signed in, for their programs. */
export function OwnKeys() {
  const client = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoked, setRevoked] = useState<KeyShown | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: KEYS,
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/me/keys", { signal })).items,
  });
  const anew = () => client.invalidateQueries({ queryKey: KEYS });
  const revoke = async () => {
    if (revoked) await api.DELETE("/api/me/keys/{key_id}", { params: { path: { key_id: revoked.id } } });
    return undefined;
  };
  const make = (
    <Button isCompact onClick={() => setMaking(true)}>
      {texts.make}
    </Button>
  );
  return (
    <Section title={texts.title} action={make}>
      <p>{texts.detail}</p>
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Loading />)}
      {data?.length === 0 && <p>{texts.none}</p>}
      {data && data.length > 0 && (
        <Table name={texts.title} heads={keyHeads()}>
          {data.map((key) => (
            <KeyRow key={key.id} shown={key} revoke={() => setRevoked(key)} />
          ))}
        </Table>
      )}
      {isMaking && <MakeKey made={setSecret} done={anew} close={() => setMaking(false)} />}
      {secret && (
        <Once
          title={texts.madeTitle}
          detail={texts.madeDetail}
          secret={secret}
          copy={texts.copy}
          close={() => setSecret(null)}
        />
      )}
      {revoked && (
        <Confirm
          title={texts.revokeTitle(revoked.name)}
          detail={texts.revokeDetail}
          go={texts.revoke}
          isDangerous
          act={revoke}
          done={anew}
          close={() => setRevoked(null)}
        />
      )}
    </Section>
  );
}

function MakeKey({ made, done, close }: { made: (secret: string) => void; done: () => void; close: () => void }) {
  const { roles } = useMe().user;
  const make = async (fields: FormData) => {
    const [name, days, chosen] = [String(fields.get("name")).trim(), Number(fields.get("days")), chosenRoles(fields)];
    if (name === "") return texts.noLabel;
    if (chosen.length === 0) return texts.noRole;
    const expires_at = days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
    made(bodyOf(await api.POST("/api/me/keys", { body: { name, roles: chosen, expires_at } })).secret);
    return undefined;
  };
  return (
    <Confirm title={texts.make} go={texts.make} act={make} done={done} close={close}>
      <Field name="name" title={texts.label} hint={texts.labelHint}>
        {(id) => <input {...id} autoComplete="off" />}
      </Field>
      <RoleChoice title={texts.roles} roles={roles} chosen={roles.filter((role) => role !== "admin")} />
      <Field name="days" title={texts.expires}>
        {(id) => (
          <select {...id}>
            {ENDS.map((days) => (
              <option key={days} value={days}>
                {texts.ends[days]}
              </option>
            ))}
          </select>
        )}
      </Field>
    </Confirm>
  );
}
