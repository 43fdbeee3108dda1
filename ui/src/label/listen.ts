/** Keys of the Label page; they work wherever the focus is, outside text fields and dialogs. */

import { prefs, setPrefs } from "../shell/prefs";
import { onKeys } from "../shell/shortcuts";
import { type Act, meaning } from "./keys";
import type { Session } from "./session";
import type { Stage } from "./stage";

const LIT_MS = 120;

export interface Ears {
  /** The label whose key was pressed, for a moment. */
  light: (label: string | null) => void;
  instruct: () => void;
}

export function listen(session: Session, stage: Stage, ears: Ears): () => void {
  let dark: ReturnType<typeof setTimeout> | undefined;
  const acts: Record<Act, () => void> = {
    unsure: () => session.unsure(),
    skip: () => session.skip(),
    undo: () => void session.undo(),
    boxes: () => setPrefs({ boxes: !prefs.get().boxes }),
    "zoom-in": () => stage.zoom(1),
    "zoom-out": () => stage.zoom(-1),
    fit: () => stage.fit(),
    instructions: ears.instruct,
    "hide-boxes": () => stage.showBoxes(false),
  };
  const pressed = (key: string): boolean => {
    if (key === "/") return find();
    const { lease } = session.view.get();
    const meant = meaning(key, lease?.labels ?? []);
    if (!meant || (!lease && !("act" in meant))) return false;
    if ("act" in meant) acts[meant.act]();
    else if ("pan" in meant) return pan(stage, meant.pan);
    else {
      session.vote(meant.label);
      clearTimeout(dark);
      ears.light(meant.label);
      dark = setTimeout(() => ears.light(null), LIT_MS);
    }
    return true;
  };
  const showBoxes = () => stage.showBoxes(prefs.get().boxes);
  const released = (event: KeyboardEvent) => {
    if (event.key.toLowerCase() === "h") showBoxes();
  };
  showBoxes();
  const forgetKeys = onKeys(pressed);
  const forgetPrefs = prefs.subscribe(showBoxes);
  addEventListener("keyup", released);
  addEventListener("blur", showBoxes);
  return () => {
    clearTimeout(dark);
    forgetKeys();
    forgetPrefs();
    removeEventListener("keyup", released);
    removeEventListener("blur", showBoxes);
  };
}

/** Goes to the field that finds a label by its name; sets of few labels have none. */
function find(): boolean {
  const field = document.querySelector<HTMLElement>("[data-find]");
  field?.focus();
  return field !== null;
}

function pan(stage: Stage, [x, y]: readonly [number, number]): boolean {
  if (stage.shown.get().zoom === 1) return false;
  stage.pan(x, y);
  return true;
}
