import { Dialog } from "../shell/Dialog";
import { useStore } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";
import type { Session } from "./session";

export function Instructions({ session, close }: { session: Session; close: () => void }) {
  const { lease } = useStore(session.view);
  return (
    <Dialog title={texts.instructions} close={close}>
      <p className={css.instructions}>{lease?.instructions ?? texts.noInstructions}</p>
    </Dialog>
  );
}
