import { Dialog } from "../shell/Dialog";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";

export function Instructions({ text, close }: { text: string | null; close: () => void }) {
  return (
    <Dialog title={texts.instructions} close={close}>
      <p className={css.instructions}>{text ?? texts.noInstructions}</p>
    </Dialog>
  );
}
