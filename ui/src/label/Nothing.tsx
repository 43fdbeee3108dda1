import { Button } from "../shell/Button";
import { Empty } from "../shell/States";
import { useStore } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import type { Session } from "./session";

/** No image waits for the person at the page. */
export function Nothing({ session }: { session: Session }) {
  const { waitingForOthers, today } = useStore(session.view);
  return (
    <Empty title={texts.none.title} action={<Button onClick={() => session.look()}>{texts.none.look}</Button>}>
      {texts.none.others(waitingForOthers)} {today > 0 && texts.none.mine(today)}
    </Empty>
  );
}
