import { useState } from "react";
import { api } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm, Field } from "../shell/Confirm";
import { end } from "../shell/session";
import { erasing } from "../texts/en.erasing";
import css from "./account.module.css";

const texts = erasing.own;

/** People with a password erase themselves. */
export function EraseOwn() {
  const [isAsked, setAsked] = useState(false);
  const erase = async (fields: FormData) => {
    const password = String(fields.get("password"));
    if (password === "") return texts.noPassword;
    await api.POST("/api/me/erase", { body: { password } });
    return undefined;
  };
  return (
    <section className={css.section}>
      <h2>{texts.title}</h2>
      <Outcome />
      <Button look="danger" onClick={() => setAsked(true)}>
        {texts.ask}
      </Button>
      {isAsked && (
        <Confirm
          title={`${texts.title}?`}
          go={erasing.go}
          isDangerous
          act={erase}
          done={end}
          close={() => setAsked(false)}
        >
          <Outcome />
          <Field name="password" title={texts.password}>
            {(field) => <input {...field} type="password" autoComplete="current-password" />}
          </Field>
        </Confirm>
      )}
    </section>
  );
}

function Outcome() {
  return (
    <ul className={css.points}>
      {texts.outcome.map((point) => (
        <li key={point}>{point}</li>
      ))}
    </ul>
  );
}
