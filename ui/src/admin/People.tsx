import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, type Schemas } from "../api/client";
import type { Role } from "../api/fields";
import { Button } from "../shell/Button";
import { Confirm } from "../shell/Confirm";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { Failure, Loading } from "../shell/States";
import { account, people } from "../texts/en.account";
import { erasing } from "../texts/en.erasing";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { Erase, Erasures } from "./Erasing";
import { More } from "./More";
import { Page } from "./Page";
import { Table } from "./Table";
import { usePages } from "./usePages";

type Member = Schemas["MemberShown"];
type Change = { roles?: Role[]; is_active?: boolean };

const texts = people.people;
const ROLES = Object.keys(account.roles) as Role[];
const PEOPLE = ["admin", "people"];

/** The people of a team, what each may do there, and who stays. */
export default function People() {
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<Member | null>(null);
  const [erased, setErased] = useState<Member | null>(null);
  const mayErase = may(useMe(), "operate");
  const anew = () => client.invalidateQueries({ queryKey: PEOPLE });
  const pages = usePages(PEOPLE, async (cursor, signal) =>
    bodyOf(await api.GET("/api/users", { params: { query: { cursor } }, signal })),
  );
  const change = useMutation({
    mutationFn: ({ id, ...body }: Change & { id: string }) =>
      api.PATCH("/api/users/{person_id}", { params: { path: { person_id: id } }, body }),
    onSettled: anew,
  });
  const underWay = change.isPending ? change.variables : undefined;
  const remove = async () => {
    if (leaving) await api.DELETE("/api/users/{person_id}", { params: { path: { person_id: leaving.id } } });
    return undefined;
  };
  const heads = [texts.name, ...ROLES.map((role) => account.roles[role]), texts.since, texts.acts];
  return (
    <Page title={people.places.people} detail={texts.detail}>
      {change.error && (
        <p className={css.wrong} role="alert">
          {`${texts.failed}: ${change.error.message}`}
        </p>
      )}
      {!pages.items && (pages.error ? <Failure error={pages.error} retry={pages.refetch} /> : <Loading />)}
      {pages.items && (
        <Table name={people.places.people} heads={heads}>
          {pages.items.map((member) => (
            <Row
              key={member.id}
              member={underWay?.id === member.id ? { ...member, ...underWay } : member}
              isBusy={change.isPending}
              change={(body) => change.mutate({ id: member.id, ...body })}
              remove={() => setLeaving(member)}
              erase={mayErase ? () => setErased(member) : null}
            />
          ))}
        </Table>
      )}
      <More pages={pages} />
      {mayErase && <Erasures />}
      {erased && <Erase person={erased} done={anew} close={() => setErased(null)} />}
      {leaving && (
        <Confirm
          title={texts.removeTitle(leaving.name)}
          detail={texts.removeDetail}
          go={texts.remove}
          isDangerous
          act={remove}
          done={anew}
          close={() => setLeaving(null)}
        />
      )}
    </Page>
  );
}

interface RowProps {
  member: Member;
  isBusy: boolean;
  change: (body: Change) => void;
  remove: () => void;
  /** For those who run the platform. */
  erase: (() => void) | null;
}

function Row({ member, isBusy, change, remove, erase }: RowProps) {
  const isOneself = useMe().user.id === member.id;
  const { name, roles, is_active: isActive } = member;
  const note = isOneself ? texts.you : isActive ? null : texts.inactive;
  return (
    <tr className={isActive ? undefined : css.silent}>
      <th scope="row" className={css.named}>
        {name}
        {note && <span className={css.model}>{note}</span>}
      </th>
      {ROLES.map((role) => {
        const isOnly = roles.length === 1 && roles[0] === role;
        return (
          <td key={role}>
            <input
              type="checkbox"
              aria-label={texts.may(account.roles[role], name)}
              checked={roles.includes(role)}
              disabled={isOneself || isBusy || isOnly}
              onChange={() => change({ roles: toggled(roles, role) })}
            />
          </td>
        );
      })}
      <td>{moment(member.created_at)}</td>
      <td className={css.acts}>
        {!isOneself && (
          <>
            <Button isCompact disabled={isBusy} onClick={() => change({ is_active: !isActive })}>
              {isActive ? texts.deactivate : texts.activate}
            </Button>
            <Button isCompact look="danger" onClick={remove}>
              {texts.remove}
            </Button>
            {erase && (
              <Button isCompact look="danger" aria-label={erasing.actOn(name)} onClick={erase}>
                {erasing.act}
              </Button>
            )}
          </>
        )}
      </td>
    </tr>
  );
}

function toggled(roles: readonly Role[], role: Role): Role[] {
  return ROLES.filter((one) => (one === role) !== roles.includes(one));
}
