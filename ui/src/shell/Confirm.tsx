import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useId } from "react";
import { en } from "../texts/en";
import { Button } from "./Button";
import css from "./confirm.module.css";
import { Dialog } from "./Dialog";

interface ConfirmProps {
  title: string;
  detail?: ReactNode;
  go: string;
  isDangerous?: boolean;
  /** Says what is wrong with the fields, or does the deed. */
  act: (fields: FormData) => Promise<string | undefined>;
  done: () => void;
  close: () => void;
  children?: ReactNode;
}

/** A dialog that asks before something is done, with what must be typed for it. */
export function Confirm({ title, detail, go, isDangerous = false, act, done, close, children }: ConfirmProps) {
  const wrongId = useId();
  const deed = useMutation({
    mutationFn: async (fields: FormData) => {
      const wrong = await act(fields);
      if (wrong) throw new Error(wrong);
    },
    onSuccess: () => {
      done();
      close();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    deed.mutate(new FormData(event.currentTarget));
  };
  return (
    <Dialog title={title} close={close}>
      <form className={css.form} onSubmit={submit} aria-describedby={wrongId}>
        {detail && <p>{detail}</p>}
        {children}
        <p id={wrongId} className={css.wrong} role="alert">
          {deed.error?.message}
        </p>
        <div className={css.buttons}>
          <Button onClick={close}>{en.states.cancel}</Button>
          <Button type="submit" look={isDangerous ? "destroy" : "primary"} disabled={deed.isPending}>
            {go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  name: string;
  title: ReactNode;
  hint?: string | undefined;
  children: (id: { id: string; name: string; "aria-describedby": string | undefined }) => ReactNode;
}

/** A field of such a dialog, with its name and what there is to know of it. */
export function Field({ name, title, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div className={css.field}>
      <label htmlFor={id}>{title}</label>
      {children({ id, name, "aria-describedby": hint && `${id}-hint` })}
      {hint && (
        <p id={`${id}-hint`} className={css.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}
