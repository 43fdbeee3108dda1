import { Icon } from "../marks/Icon";
import { Button } from "../shell/Button";
import { upload as texts } from "../texts/en.upload";
import type { Selection } from "./selection";
import css from "./upload.module.css";

const REFUSED_SHOWN = 20;

/** What was chosen, in numbers, and what of it will not be sent. */
export function Selected({
  selection,
  isLooking,
  clear,
}: {
  selection: Selection;
  isLooking: boolean;
  clear: () => void;
}) {
  const { ready, refused, bytes, zips } = selection;
  if (ready.length + refused.length === 0 && !isLooking) return null;
  return (
    <div className={css.selected}>
      <p aria-live="polite">
        <strong>{texts.selected.files(ready.length, bytes)}</strong>
        {zips > 0 && <span>{texts.selected.zips(zips)}</span>}
        {isLooking && <span>{texts.selected.looking}</span>}
      </p>
      {refused.length > 0 && (
        <details className={css.refused}>
          <summary>
            <Icon name="warning" />
            {texts.selected.refused(refused.length)}
          </summary>
          <ul>
            {refused.slice(0, REFUSED_SHOWN).map(({ filename, reason }) => (
              <li key={filename}>
                <span>{filename}</span>
                {reason}
              </li>
            ))}
          </ul>
          {refused.length > REFUSED_SHOWN && <p>{texts.selected.more(refused.length - REFUSED_SHOWN)}</p>}
        </details>
      )}
      <Button isCompact onClick={clear}>
        {texts.selected.clear}
      </Button>
    </div>
  );
}
