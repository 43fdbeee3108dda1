import { Link, useParams } from "wouter";
import { Button } from "../shell/Button";
import button from "../shell/button.module.css";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { Empty } from "../shell/States";
import { useStore } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import { ANY } from "./address";
import type { Session } from "./session";

/** No image waits for the person at the page. */
export function Nothing({ session }: { session: Session }) {
  const { waitingForOthers, today, isFinished } = useStore(session.view);
  const me = useMe();
  const { task = ANY } = useParams<{ task?: string }>();
  const mine = today > 0 && texts.none.mine(today);
  if (isFinished)
    return (
      <Empty
        title={texts.finished.title}
        action={
          <Link href="/label" className={button.button}>
            {texts.finished.next}
          </Link>
        }
      >
        {mine}
      </Empty>
    );
  return (
    <Empty
      title={texts.none.title}
      action={
        <>
          <Button onClick={() => session.look()}>{texts.none.look}</Button>
          {task !== ANY && <Link href="/label">{texts.none.choose}</Link>}
          {may(me, "make-tasks") && <Link href="/tasks/new">{texts.none.make}</Link>}
        </>
      }
    >
      {texts.none.others(waitingForOthers)} {mine}
    </Empty>
  );
}
