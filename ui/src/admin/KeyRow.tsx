import { type Schemas, serverNow } from "../api/client";
import { Button } from "../shell/Button";
import { account } from "../texts/en.account";
import { moment, since } from "../texts/en.tasks";
import css from "./admin.module.css";

export type KeyShown = Schemas["KeyShown"];

const texts = account.keys;

/** The heads of a table of keys; `hasPeople` where they are several people's. */
export function keyHeads(hasPeople = false): string[] {
  const { name, person, roles, made, expires, used, acts } = texts.head;
  return [name, ...(hasPeople ? [person] : []), roles, made, expires, used, acts];
}

export function KeyRow({ shown, person, revoke }: { shown: KeyShown; person?: string; revoke: () => void }) {
  const { name, roles, created_at, expires_at, used_at } = shown;
  return (
    <tr>
      <th scope="row" className={css.named}>
        {name}
      </th>
      {person !== undefined && <td className={css.named}>{person}</td>}
      <td>{account.rolesOf(roles)}</td>
      <td>{moment(created_at)}</td>
      <td>{expires_at ? moment(expires_at) : texts.never}</td>
      <td>{used_at ? since(used_at, serverNow()) : texts.never}</td>
      <td className={css.acts}>
        <Button isCompact look="danger" onClick={revoke} aria-label={`${texts.revoke}: ${name}`}>
          {texts.revoke}
        </Button>
      </td>
    </tr>
  );
}
