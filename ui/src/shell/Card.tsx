import { type FormEvent, type ReactNode, useId } from "react";
import { Logo } from "../marks/Logo";
import { en } from "../texts/en";
import css from "./card.module.css";

interface CardProps {
  title: string;
  /** What happens with the fields once they are sent. */
  send?: (fields: FormData) => void;
  children: ReactNode;
}

/** A page that is one form on paper, with the mark above. */
export function Card({ title, send, children }: CardProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send?.(new FormData(event.currentTarget));
  };
  return (
    <main className={css.page}>
      <form className={css.card} onSubmit={submit} noValidate>
        <p className={css.brand}>
          <Logo size={40} />
          {en.name}
        </p>
        <h1>{title}</h1>
        {children}
      </form>
    </main>
  );
}

interface FieldProps {
  name: string;
  title: string;
  kind?: "text" | "password";
  complete: "username" | "current-password" | "new-password";
  /** What there is to know of it; in its place what is wrong with it. */
  detail?: string | undefined;
  wrong?: string | undefined;
  isFirst?: boolean;
}

export function CardField({ name, title, kind = "text", complete, detail, wrong, isFirst = false }: FieldProps) {
  const id = useId();
  const said = wrong ?? detail;
  return (
    <>
      <label htmlFor={id}>{title}</label>
      <input
        id={id}
        name={name}
        type={kind}
        autoComplete={complete}
        aria-describedby={said && `${id}-said`}
        aria-invalid={wrong !== undefined}
        // biome-ignore lint/a11y/noAutofocus: the first field of a page that is one form
        autoFocus={isFirst}
      />
      {said && (
        <p id={`${id}-said`} className={wrong ? css.wrong : css.hint} role={wrong && "alert"}>
          {said}
        </p>
      )}
    </>
  );
}

/** What is wrong with the form as a whole. */
export function CardWrong({ children }: { children: ReactNode }) {
  return (
    <p className={css.wrong} role="alert">
      {children}
    </p>
  );
}
