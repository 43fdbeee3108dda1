import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useState } from "react";
import { api } from "../api/client";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { session } from "../shell/session";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { account } from "../texts/en.account";
import css from "./account.module.css";
import { EraseOwn } from "./EraseOwn";
import { OwnKeys } from "./OwnKeys";
import { isShort, wrongField, wrongWhole } from "./problems";
import { useWait } from "./useWait";
import { Waiting } from "./Waiting";

const texts = account.page;
const FIELDS = ["/current", "/new"];

export default function Account() {
  const { user } = useMe();
  const told = useStore(session);
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  return (
    <div className={css.page}>
      <h1>{user.name}</h1>
      {told?.team && <p className={css.detail}>{texts.detail(told.team.name, account.rolesOf(user.roles))}</p>}
      {told?.has_password && <Password name={user.name} />}
      <OwnKeys />
      {told?.has_password && <EraseOwn />}
    </div>
  );
}

function Password({ name }: { name: string }) {
  const { seconds, after } = useWait();
  const [short, setShort] = useState<string>();
  const change = useMutation({
    mutationFn: (body: { current: string; new: string }) => api.POST("/api/me/password", { body }),
    onError: after,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const body = { current: String(fields.get("current")), new: String(fields.get("new")) };
    setShort(isShort(body.new) ? account.short : undefined);
    change.reset();
    if (!isShort(body.new)) change.mutate(body, { onSuccess: () => form.reset() });
  };
  const wrong = wrongWhole(change.error, FIELDS);
  return (
    <section className={css.section}>
      <h2>{texts.password}</h2>
      <form className={css.form} onSubmit={submit} noValidate>
        <input name="username" autoComplete="username" value={name} readOnly hidden />
        <Field name="current" title={texts.current} wrong={wrongField(change.error, "/current")} />
        <Field
          name="new"
          title={texts.next}
          detail={account.passwordHint}
          wrong={short ?? wrongField(change.error, "/new")}
        />
        {wrong && (
          <p className={css.wrong} role="alert">
            {wrong}
          </p>
        )}
        <Waiting seconds={seconds} />
        <p role="status">{change.isSuccess && texts.changed}</p>
        <Button type="submit" disabled={change.isPending || seconds > 0}>
          {texts.change}
        </Button>
      </form>
    </section>
  );
}

interface FieldProps {
  name: "current" | "new";
  title: string;
  detail?: string;
  wrong: string | undefined;
}

function Field({ name, title, detail, wrong }: FieldProps) {
  const id = useId();
  const said = wrong ?? detail;
  return (
    <div className={css.field}>
      <label htmlFor={id}>{title}</label>
      <input
        id={id}
        name={name}
        type="password"
        autoComplete={`${name}-password`}
        aria-describedby={said && `${id}-said`}
        aria-invalid={wrong !== undefined}
      />
      {said && (
        <p id={`${id}-said`} className={wrong && css.wrong} role={wrong && "alert"}>
          {said}
        </p>
      )}
    </div>
  );
}
