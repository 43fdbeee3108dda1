import { Fragment, useEffect, useState } from "react";
import { Button } from "../shell/Button";
import { ACTIONS, ACTS, type Act, keyOf, keysOf, labelKeys, type Refused, refusal, withDefault } from "../shell/keymap";
import { prefs, setPrefs } from "../shell/prefs";
import { useStore } from "../shell/useStore";
import { keyTexts } from "../texts/en.keys";
import { settings as texts } from "../texts/en.settings";
import css from "./settings.module.css";

const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"];

/** Every act with its key, which the next key press changes. */
export function Keys() {
  const { keys: keymap } = useStore(prefs);
  const [changing, setChanging] = useState<Act | null>(null);
  const [problem, setProblem] = useState<{ act: Act; text: string } | null>(null);
  const end = () => {
    setChanging(null);
    setProblem(null);
  };
  useNextKey(changing, end, (act, key, isBrowsers) => {
    const refused: Refused | null = isBrowsers ? { why: "reserved" } : refusal(act, key, prefs.get().keys);
    if (refused) return setProblem({ act, text: keyTexts.refused(refused, key) });
    setPrefs({ keys: { ...prefs.get().keys, [act]: key } });
    end();
  });
  const reset = (act: Act) => {
    const changed = withDefault(act, keymap);
    if (!("why" in changed)) setPrefs({ keys: changed });
    setProblem("why" in changed ? { act, text: keyTexts.refused(changed, ACTIONS[act].keys[0]) } : null);
  };
  return (
    <>
      <p className={css.how}>{texts.details.keys}</p>
      <ul className={css.keys}>
        {ACTS.map((act) => {
          const what = keyTexts.acts[act];
          const shown = keysOf(act, keymap).map(keyTexts.name);
          return (
            <li key={act}>
              <span>
                {what}
                <small>{ACTIONS[act].scopes.map((scope) => keyTexts.scopes[scope]).join(", ")}</small>
              </span>
              {keymap[act] !== undefined && (
                <Button isCompact aria-label={texts.keys.resetOne(what)} onClick={() => reset(act)}>
                  {texts.keys.reset}
                </Button>
              )}
              <Button
                isCompact
                className={css.set ?? ""}
                aria-pressed={changing === act}
                aria-label={texts.keys.change(what, changing === act ? texts.keys.press : shown.join(" "))}
                onClick={() => {
                  setProblem(null);
                  setChanging(act);
                }}
                onBlur={() => changing === act && end()}
              >
                {changing === act
                  ? texts.keys.press
                  : shown.map((key) => (
                      <Fragment key={key}>
                        {" "}
                        <kbd>{key}</kbd>
                      </Fragment>
                    ))}
              </Button>
              {problem?.act === act && (
                <p role="alert" className={css.problem}>
                  {problem.text}
                </p>
              )}
            </li>
          );
        })}
      </ul>
      <div className={css.row}>
        <p>{texts.keys.labels(labelKeys(keymap).map(keyTexts.name).join(" "))}</p>
        <Button disabled={Object.keys(keymap).length === 0} onClick={() => setPrefs({ keys: {} })}>
          {texts.keys.resetAll}
        </Button>
      </div>
    </>
  );
}

/** Hears the next key instead of the page; Escape ends it, and so does Tab, which still moves the focus. */
function useNextKey(act: Act | null, end: () => void, pressed: (act: Act, key: string, isBrowsers: boolean) => void) {
  useEffect(() => {
    if (!act) return;
    const heard = (event: KeyboardEvent) => {
      if (MODIFIERS.includes(event.key) || event.isComposing) return;
      if (event.key === "Tab") return end();
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.repeat) return;
      if (event.key === "Escape") return end();
      pressed(act, keyOf(event), event.ctrlKey || event.metaKey || event.altKey);
    };
    addEventListener("keydown", heard, { capture: true });
    return () => removeEventListener("keydown", heard, { capture: true });
  }, [act, end, pressed]);
}
