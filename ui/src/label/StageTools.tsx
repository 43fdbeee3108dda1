import { Icon } from "../marks/Icon";
import { IconButton } from "../shell/Button";
import { prefs, setPrefs } from "../shell/prefs";
import { useStore, useStoreLater } from "../shell/useStore";
import { en } from "../texts/en";
import { label as texts } from "../texts/en.label";
import css from "./label.module.css";
import type { Stage } from "./stage";

export function StageTools({ stage }: { stage: Stage }) {
  const { zoom } = useStoreLater(stage.shown);
  const { boxes } = useStore(prefs);
  return (
    <div className={css.tools} role="toolbar" aria-label={texts.view}>
      <IconButton name={texts.zoomOut} onClick={() => stage.zoom(-1)} disabled={zoom === 1}>
        <Icon name="minus" />
      </IconButton>
      <output>{en.percent(zoom)}</output>
      <IconButton name={texts.zoomIn} onClick={() => stage.zoom(1)}>
        <Icon name="plus" />
      </IconButton>
      <IconButton name={texts.fit} onClick={() => stage.fit()}>
        <Icon name="fit" />
      </IconButton>
      <IconButton name={texts.boxes} aria-pressed={boxes} onClick={() => setPrefs({ boxes: !boxes })}>
        <Icon name="boxes" />
      </IconButton>
    </div>
  );
}
