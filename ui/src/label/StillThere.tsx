import { Button } from "../shell/Button";
import { Dialog } from "../shell/Dialog";
import { useStoreLater } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";
import type { Session } from "./session";

/** Shown before leases end while nobody works; any input renews them. */
export function StillThere({ session }: { session: Session }) {
  const { isIdle, ahead } = useStoreLater(session.view);
  if (!isIdle) return null;
  const keep = () => session.keep();
  return (
    <Dialog title={texts.still.title} close={keep}>
      <p role="alert">{texts.still.detail(ahead.length + 1)}</p>
      <div className={css.foot}>
        <Button look="primary" onClick={keep}>
          {texts.still.keep}
        </Button>
      </div>
    </Dialog>
  );
}
