import { type FormEvent, useState } from "react";
import { Logo } from "../marks/Logo";
import { en } from "../texts/en";
import { Button } from "./Button";
import { who, wrongName } from "./who";
import css from "./who.module.css";

/** The first thing that a new browser shows while authentication is off. */
export function Who() {
  const [wrong, setWrong] = useState<ReturnType<typeof wrongName>>(null);
  const start = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    setWrong(wrongName(name));
    if (!wrongName(name)) who.set(name);
  };
  return (
    <main className={css.page}>
      <form className={css.card} onSubmit={start} noValidate>
        <p className={css.brand}>
          <Logo size={40} />
          {en.name}
        </p>
        <h1>{en.who.title}</h1>
        <p id="who-detail">{en.who.detail}</p>
        <label htmlFor="who-name">{en.who.name}</label>
        <input
          id="who-name"
          name="name"
          autoComplete="username"
          aria-describedby={wrong ? "who-wrong" : "who-detail"}
          aria-invalid={wrong !== null}
          // biome-ignore lint/a11y/noAutofocus: the only field of a page that asks one question
          autoFocus
        />
        {wrong && (
          <p id="who-wrong" className={css.wrong} role="alert">
            {en.who.wrong[wrong]}
          </p>
        )}
        <Button type="submit" look="primary">
          {en.who.go}
        </Button>
      </form>
    </main>
  );
}
