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
  const isTaskShown = task !== ANY && may(me, "see-tasks");
  if (isFinished)
    return (
      <Empty
        title={texts.finished.title}
        isDone
        action={
          <>
            {isTaskShown && (
              <Link href={`/tasks/${task}`} className={`${button.button} ${button.primary}`}>
                {texts.finished.results}
              </Link>
            )}
            <Link href="/label" className={button.button}>
              {texts.finished.next}
            </Link>
          </>
        }
      >
        {mine}
      </Empty>
    );
  const mayMake = may(me, "make-tasks");
  /** Whether there is nothing else to do here. */
  const isNext = mayMake && task === ANY && waitingForOthers === 0;
  const isAlone = waitingForOthers > 0 && isTaskShown && may(me, "edit-tasks");
  return (
    <Empty
      title={texts.none.title}
      action={
        <>
          {isNext && <Make className={`${button.button} ${button.primary}`} />}
          <Button onClick={() => session.look()}>{texts.none.look}</Button>
          {isTaskShown && (
            <Link href={`/tasks/${task}`} className={isAlone ? button.button : undefined}>
              {texts.none.task}
            </Link>
          )}
          {task !== ANY && <Link href="/label">{texts.none.choose}</Link>}
          {!isNext && mayMake && <Make />}
        </>
      }
    >
      {texts.none.others(waitingForOthers)} {isAlone && texts.none.alone} {mine}
    </Empty>
  );
}

function Make({ className }: { className?: string }) {
  return (
    <Link href="/tasks/new" className={className}>
      {texts.none.make}
    </Link>
  );
}
