import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "../marks/Icon";
import { en } from "../texts/en";
import { IconButton } from "./Button";
import css from "./dialog.module.css";

interface DialogProps {
  title: string;
  close: () => void;
  children: ReactNode;
}

/** A modal dialog on the browser's own: it holds focus, closes on Escape and gives focus back. */
export function Dialog({ title, close, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} className={css.dialog} aria-labelledby="dialog-title" onClose={close}>
      <header className={css.head}>
        <h2 id="dialog-title">{title}</h2>
        <IconButton name={en.states.close} onClick={() => element.current?.close()}>
          <Icon name="cross" />
        </IconButton>
      </header>
      <div className={css.body}>{children}</div>
    </dialog>
  );
}
