import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { Confirm } from "../shell/Confirm";
import { Failure, Loading } from "../shell/States";
import { account, people } from "../texts/en.account";
import { KeyRow, type KeyShown, keyHeads } from "./KeyRow";
import { More } from "./More";
import { Page } from "./Page";
import { Table } from "./Table";
import { usePages } from "./usePages";

const texts = people.keys;
const KEYS = ["admin", "keys"];

/** The keys of a team's people. */
export default function TeamKeys() {
  const client = useQueryClient();
  const [revoked, setRevoked] = useState<KeyShown | null>(null);
  const pages = usePages(KEYS, async (cursor, signal) =>
    bodyOf(await api.GET("/api/admin/keys", { params: { query: { cursor } }, signal })),
  );
  const revoke = async () => {
    if (revoked) await api.DELETE("/api/admin/keys/{key_id}", { params: { path: { key_id: revoked.id } } });
    return undefined;
  };
  return (
    <Page title={people.places.keys} detail={texts.detail}>
      {!pages.items && (pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />)}
      {pages.items?.length === 0 && <p>{texts.none}</p>}
      {pages.items && pages.items.length > 0 && (
        <Table name={people.places.keys} heads={keyHeads(true)}>
          {pages.items.map((key) => (
            <KeyRow key={key.id} shown={key} person={key.person.name} revoke={() => setRevoked(key)} />
          ))}
        </Table>
      )}
      <More pages={pages} />
      {revoked && (
        <Confirm
          title={account.keys.revokeTitle(revoked.name)}
          detail={account.keys.revokeDetail}
          go={account.keys.revoke}
          isDangerous
          act={revoke}
          done={() => client.invalidateQueries({ queryKey: KEYS })}
          close={() => setRevoked(null)}
        />
      )}
    </Page>
  );
}
