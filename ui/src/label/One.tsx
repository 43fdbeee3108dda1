import { useEffect, useState } from "react";
import { Button } from "../shell/Button";
import { usePageKeys } from "../shell/pageShortcuts";
import { prefs } from "../shell/prefs";
import { Empty, Failure, Loading } from "../shell/States";
import { store } from "../shell/store";
import { useStore, useStoreLater } from "../shell/useStore";
import { label as texts } from "../texts/en.label";
import { Announcer } from "./Announcer";
import css from "./label.module.css";
import { type Ears, listen } from "./listen";
import { ModeSwitch } from "./ModeSwitch";
import { NotCounted } from "./NotCounted";
import { Nothing } from "./Nothing";
import { Rail } from "./Rail";
import { StageTools } from "./StageTools";
import { Strip } from "./Strip";
import { SwipeHints } from "./SwipeHints";
import type { Session } from "./session";
import type { Stage } from "./stage";

interface OneProps {
  session: Session;
  stage: Stage;
  ears: Ears;
}

/** Over the picture: whose it is, its tools, or why there is none. */
export function OnStage({ session, stage, ears }: OneProps) {
  const { phase, lease, taskName, isGridOffered, error } = useStoreLater(session.view);
  const { picture, width, height } = useStoreLater(stage.shown);
  const size = width > 0 ? texts.size(width, height) : null;
  if (phase === "starting" || picture === "loading") return <Loading />;
  if (phase === "failed") return <Failure error={error} retry={() => session.look()} />;
  if (!lease) return <Nothing session={session} />;
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
      <SwipeHints stage={stage} lease={lease} />
      {isGridOffered && <ModeSwitch mode="one" change={ears.change} className={css.mode} />}
    </>
  );
}

/** Beside the picture and below it; a vote changes all of it, and the next picture does not wait for that. */
export function Beside({ session, stage, ears }: OneProps) {
  usePageKeys("label");
  const view = useStoreLater(session.view);
  const { strip, announces } = useStore(prefs);
  const [lit] = useState(() => store<string | null>(null));
  useEffect(() => listen(session, stage, ears, lit.set), [session, stage, ears, lit]);
  return (
    <>
      <Rail session={session} view={view} lit={useStoreLater(lit)} instruct={ears.instruct}>
        <NotCounted />
      </Rail>
      {strip && <Strip session={session} view={view} />}
      {announces && <Announcer view={view} />}
    </>
  );
}
