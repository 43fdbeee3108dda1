import { Button } from "../shell/Button";
import { Dialog } from "../shell/Dialog";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";

/** Shown before leases end while nobody works; any input renews them. */
export function StillThere({ count, keep }: { count: number; keep: () => void }) {
  return (
    <Dialog title={texts.still.title} close={keep}>
      <p role="alert">{texts.still.detail(count)}</p>
      <div className={css.foot}>
        <Button look="primary" onClick={keep}>
          {texts.still.keep}
        </Button>
      </div>
    </Dialog>
  );
}
