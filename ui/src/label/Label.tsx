import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { useParams } from "wouter";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { usePageShortcuts } from "../shell/pageShortcuts";
import { prefs } from "../shell/prefs";
import { Empty, Failure, Loading } from "../shell/States";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import { Announcer } from "./Announcer";
import { Instructions } from "./Instructions";
import { SHORTCUTS } from "./keys";
import css from "./label.module.css";
import { listen } from "./listen";
import { NotCounted } from "./NotCounted";
import { outbox } from "./onlyOutbox";
import { Rail } from "./Rail";
import { StageTools } from "./StageTools";
import { StillThere } from "./StillThere";
import { Strip } from "./Strip";
import { Session } from "./session";
import { Stage } from "./stage";
import { type Turn, takeTurn } from "./turn";

/** The page where people vote. */
export default function Label() {
  usePageShortcuts(SHORTCUTS);
  useEffect(() => {
    document.title = en.title(en.places.label);
  }, []);
  const [isMine, setMine] = useState<boolean | null>(null);
  const turn = useRef<Turn>(null);
  useEffect(() => {
    const taken = takeTurn(
      () => setMine(true),
      () => setMine(false),
    );
    turn.current = taken;
    return taken.end;
  }, []);
  if (isMine === null) return <Loading />;
  if (isMine) return <Work turn={turn} />;
  return (
    <Empty
      title={texts.elsewhere.title}
      action={
        <Button look="primary" onClick={() => turn.current?.take()}>
          {texts.elsewhere.here}
        </Button>
      }
    >
      {texts.elsewhere.detail}
    </Empty>
  );
}

interface Desk {
  session: Session;
  stage: Stage;
}

function Work({ turn }: { turn: RefObject<Turn | null> }) {
  const me = useMe();
  const { task } = useParams<{ task?: string }>();
  const [desk, setDesk] = useState<Desk | null>(null);
  const user = me.user.id;
  const host = useCallback(
    (element: HTMLDivElement) => {
      const stage = new Stage(element);
      const session = new Session(user, task ?? null, outbox, stage);
      setDesk({ stage, session });
      void session.start();
      return () => session.close(turn.current?.isMine() === false);
    },
    [user, task, turn],
  );
  return (
    <div className={css.page}>
      <section className={css.stage} aria-label={texts.image}>
        <div ref={host} className={css.host} />
        {desk && <OnStage {...desk} />}
      </section>
      {desk && <Beside {...desk} />}
    </div>
  );
}

function OnStage({ session, stage }: Desk) {
  const { phase, lease, taskName, waitingForOthers, today, error } = useStore(session.view);
  const { picture, width, height } = useStore(stage.shown);
  const size = width > 0 ? texts.size(width, height) : null;
  if (phase === "starting" || picture === "loading") return <Loading />;
  if (phase === "failed") return <Failure error={error} retry={() => session.look()} />;
  if (!lease)
    return (
      <Empty title={texts.none.title} action={<Button onClick={() => session.look()}>{texts.none.look}</Button>}>
        {texts.none.others(waitingForOthers)} {today > 0 && texts.none.mine(today)}
      </Empty>
    );
  return (
    <>
      <p className={css.crumb}>
        <strong>{taskName}</strong>
        <span>{texts.crumb(lease.filename, size)}</span>
      </p>
      {picture === "broken" ? (
        <Empty title={texts.broken.title} action={<Button onClick={() => session.skip()}>{texts.skip}</Button>}>
          {texts.broken.detail}
        </Empty>
      ) : (
        <StageTools stage={stage} />
      )}
    </>
  );
}

function Beside({ session, stage }: Desk) {
  const view = useStore(session.view);
  const { strip } = useStore(prefs);
  const [areInstructionsOpen, setInstructionsOpen] = useState(false);
  const [lit, setLit] = useState<string | null>(null);
  useEffect(
    () => listen(session, stage, { light: setLit, instruct: () => setInstructionsOpen(true) }),
    [session, stage],
  );
  return (
    <>
      <Rail session={session} view={view} lit={lit} instruct={() => setInstructionsOpen(true)}>
        <NotCounted />
      </Rail>
      {strip && <Strip session={session} view={view} />}
      <Announcer view={view} />
      {areInstructionsOpen && (
        <Instructions text={view.lease?.instructions ?? null} close={() => setInstructionsOpen(false)} />
      )}
      {view.isIdle && <StillThere count={view.ahead.length + 1} keep={() => session.keep()} />}
    </>
  );
}
