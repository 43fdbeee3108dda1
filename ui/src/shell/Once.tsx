import { en } from "../texts/en";
import { Button } from "./Button";
import { Copy } from "./Copy";
import { Dialog } from "./Dialog";
import css from "./once.module.css";

interface OnceProps {
  title: string;
  detail: string;
  secret: string;
  copy: string;
  close: () => void;
}

/** A secret that is shown once, to be copied. */
export function Once({ title, detail, secret, copy, close }: OnceProps) {
  return (
    <Dialog title={title} close={close}>
      <p className={css.detail}>{detail}</p>
      <output className={css.secret} aria-label={title}>
        {secret}
      </output>
      <div className={css.buttons}>
        <Copy name={copy} text={secret} />
        <Button isCompact onClick={close}>
          {en.states.close}
        </Button>
      </div>
    </Dialog>
  );
}
