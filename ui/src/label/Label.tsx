import { lazy, type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useParams, useSearchParams } from "wouter";
import { Button } from "../shell/Button";
import { useMe } from "../shell/me";
import { prefs } from "../shell/prefs";
import { Empty, Loading } from "../shell/States";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import { ANY } from "./address";
import { Board } from "./board";
import { Grid } from "./Grid";
import { Instructions } from "./Instructions";
import css from "./label.module.css";
import type { Ears } from "./listen";
import { Beside, OnStage } from "./One";
import { outbox } from "./onlyOutbox";
import { StillThere } from "./StillThere";
import { type Mode, Session } from "./session";
import { Stage } from "./stage";
import { type Turn, takeTurn } from "./turn";

const Choose = lazy(() => import("./Choose"));

/** The page where people vote. */
export default function Label() {
  useEffect(() => {
    document.title = en.title(en.places.label);
  }, []);
  const [isMine, setMine] = useState<boolean | null>(null);
  const turn = useRef<Turn>(null);
  useLayoutEffect(() => {
    let wasTheirs = false;
    const taken = takeTurn(
      () => {
        if (!wasTheirs) setMine(true);
        else void outbox.refresh().then(() => setMine(taken.isMine())); // what the other tab cast a moment ago
      },
      () => {
        wasTheirs = true;
        setMine(false);
      },
    );
    turn.current = taken;
    return taken.end;
  }, []);
  const { task } = useParams<{ task?: string }>();
  if (isMine === null) return <Loading />;
  if (isMine && task === undefined) return <Choose />;
  if (isMine) return <Work turn={turn} task={task === ANY ? null : (task ?? null)} />;
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
  board: Board;
}

/** The place of the picture stays in the document as long as the work goes on, also behind the grid. */
function Work({ turn, task }: { turn: RefObject<Turn | null>; task: string | null }) {
  const me = useMe();
  const { hand } = useStore(prefs);
  const [desk, setDesk] = useState<Desk | null>(null);
  const user = me.user.id;
  const host = useCallback(
    (element: HTMLDivElement) => {
      const stage = new Stage(element);
      const session = new Session(user, task, outbox, stage);
      setDesk({ stage, session, board: new Board(session) });
      session.start();
      return () => session.close(turn.current?.isMine() === false);
    },
    [user, task, turn],
  );
  const [mode, setMode] = useMode();
  const [areInstructionsOpen, setInstructionsOpen] = useState(false);
  const ears = useMemo<Ears>(() => ({ instruct: () => setInstructionsOpen(true), change: setMode }), [setMode]);
  return (
    <>
      <div className={css.page} data-hand={hand} hidden={mode === "grid"}>
        <section className={css.stage} aria-label={texts.image}>
          <div ref={host} className={css.host} />
          {desk && mode === "one" && <OnStage {...desk} ears={ears} />}
        </section>
        {desk && mode === "one" && <Beside {...desk} ears={ears} />}
      </div>
      {desk && mode === "grid" && <Grid {...desk} ears={ears} />}
      {desk && areInstructionsOpen && <Instructions session={desk.session} close={() => setInstructionsOpen(false)} />}
      {desk && <StillThere session={desk.session} />}
    </>
  );
}

/** The mode is in the address, so that it outlives a reload. */
function useMode(): [Mode, (mode: Mode) => void] {
  const [query, setQuery] = useSearchParams();
  const set = useCallback((mode: Mode) => setQuery(mode === "grid" ? { mode } : {}, { replace: true }), [setQuery]);
  return [query.get("mode") === "grid" ? "grid" : "one", set];
}
