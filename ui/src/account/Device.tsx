import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { ApiProblem, api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Field } from "../shell/Confirm";
import { useMe } from "../shell/me";
import { chosenRoles, RoleChoice } from "../shell/RoleChoice";
import { Failure, Loading } from "../shell/States";
import { session } from "../shell/session";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { account } from "../texts/en.account";
import { moment } from "../texts/en.tasks";
import css from "./account.module.css";
import { wrongWhole } from "./problems";
import { useWait } from "./useWait";
import { Waiting } from "./Waiting";

type Asked = Schemas["DeviceShown"];

const texts = account.device;
const GONE = 410;

/** Where a person answers a program that asks for a key by `quorate login`. */
export default function Device() {
  const code = new URLSearchParams(useSearch()).get("code") ?? "";
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  return (
    <div className={css.page}>
      <h1>{texts.title}</h1>
      {code === "" ? <Type /> : <Look key={code} code={code} />}
    </div>
  );
}

function Type() {
  const [, navigate] = useLocation();
  const [isEmpty, setEmpty] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get("code")).trim();
    setEmpty(code === "");
    if (code !== "") navigate(`/device?${new URLSearchParams({ code })}`);
  };
  return (
    <form className={css.form} onSubmit={submit}>
      <Field name="code" title={texts.code} hint={texts.codeHint}>
        {(id) => <input {...id} className={css.code} autoComplete="off" maxLength={32} />}
      </Field>
      {isEmpty && (
        <p className={css.wrong} role="alert">
          {texts.noCode}
        </p>
      )}
      <Button type="submit" look="primary">
        {texts.look}
      </Button>
    </form>
  );
}

function Look({ code }: { code: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["device", code],
    queryFn: async ({ signal }) => bodyOf(await api.GET("/api/device", { params: { query: { code } }, signal })),
    staleTime: Number.POSITIVE_INFINITY, // each look counts as a guess until it was right
  });
  if (error instanceof ApiProblem && error.status === GONE) return <Gone />;
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading />;
  return <Answer asked={data} />;
}

function Gone() {
  return (
    <>
      <p role="alert">{texts.gone}</p>
      <Type />
    </>
  );
}

function Answer({ asked }: { asked: Asked }) {
  const { roles } = useMe().user;
  const told = useStore(session);
  const { seconds, after } = useWait();
  const answer = useMutation({
    mutationFn: async (body: Schemas["DeviceAnswer"]) => bodyOf(await api.POST("/api/device/answer", { body })),
    onError: after,
  });
  const [noRole, setNoRole] = useState(false);
  const { code, state } = answer.data ?? asked;
  if (answer.error instanceof ApiProblem && answer.error.status === GONE) return <Gone />;
  if (state !== "waiting") return <p role="status">{texts.ends[state]}</p>;
  const approve = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const chosen = chosenRoles(new FormData(event.currentTarget));
    setNoRole(chosen.length === 0);
    if (chosen.length > 0) answer.mutate({ code, approve: true, roles: chosen });
  };
  const wrong = noRole ? account.keys.noRole : wrongWhole(answer.error, []);
  const isBusy = answer.isPending || seconds > 0;
  const wanted = roles.filter((role) => asked.roles.length === 0 || asked.roles.includes(role));
  return (
    <form className={css.form} onSubmit={approve}>
      <p>{texts.detail}</p>
      <dl className={css.facts}>
        {facts(asked, told?.team?.name ?? "").map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <RoleChoice title={account.keys.roles} roles={roles} chosen={wanted} />
      <p>{texts.days(asked.key_days)}</p>
      {wrong && (
        <p className={css.wrong} role="alert">
          {wrong}
        </p>
      )}
      <Waiting seconds={seconds} />
      <div className={css.answers}>
        <Button type="submit" look="primary" disabled={isBusy}>
          {texts.approve}
        </Button>
        <Button disabled={isBusy} onClick={() => answer.mutate({ code, approve: false })}>
          {texts.refuse}
        </Button>
      </div>
    </form>
  );
}

function facts({ code, client, address, created_at }: Asked, team: string): [string, string][] {
  const { facts: names } = texts;
  return [
    [names.code, code],
    [names.client, client],
    [names.address, address],
    [names.at, moment(created_at)],
    [names.team, team],
  ];
}
