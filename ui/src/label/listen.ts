/** Keys of the Label page, and fingers over the picture. Keys work wherever the focus is, outside text fields and dialogs. */
import { type Act, keyOf } from "../shell/keymap";
import { prefs, setPrefs } from "../shell/prefs";
import { isKeyOf, onKeys, pressedAct, pressedLabel } from "../shell/shortcuts";
import type { Board } from "./board";
import { meaning } from "./keys";
import type { Mode, Session } from "./session";
import type { Stage } from "./stage";

const LIT_MS = 120;

export interface Ears {
  instruct: () => void;
  change: (mode: Mode) => void;
}

/** Keys and fingers while one image is on screen; `light` hears the label whose key was pressed, for a moment. */
export function listen(session: Session, stage: Stage, ears: Ears, light: (label: string | null) => void): () => void {
  let dark: ReturnType<typeof setTimeout> | undefined;
  const acts: Partial<Record<Act, () => void>> = {
    unsure: () => session.unsure(),
    skip: () => session.skip(),
    undo: () => void session.undo(),
    boxes: () => setPrefs({ boxes: !prefs.get().boxes }),
    zoomIn: () => stage.zoom(1),
    zoomOut: () => stage.zoom(-1),
    fit: () => stage.fit(),
    instructions: ears.instruct,
    hide: () => stage.showBoxes(false),
    mode: () => session.view.get().isGridOffered && ears.change("grid"),
  };
  const pressed = (key: string): boolean => {
    const { lease } = session.view.get();
    const meant = meaning(key, lease?.labels ?? []);
    if (!meant) return false;
    if ("pan" in meant) return pan(stage, meant.pan);
    if ("act" in meant) return meant.act === "find" ? find() : did(acts[meant.act]);
    session.vote(meant.label);
    clearTimeout(dark);
    light(meant.label);
    dark = setTimeout(() => light(null), LIT_MS);
    return true;
  };
  const showBoxes = () => stage.showBoxes(prefs.get().boxes);
  const released = (event: KeyboardEvent) => {
    if (isKeyOf("hide", keyOf(event))) showBoxes();
  };
  stage.onSwipe = (label) => session.vote(label);
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

const MOVES: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  arrowleft: [0, -1],
  arrowright: [0, 1],
  arrowup: [-1, 0],
  arrowdown: [1, 0],
};

/** Keys while the grid is on screen. */
export function listenToGrid(session: Session, board: Board, ears: Ears): () => void {
  const acts: Partial<Record<Act, () => void>> = {
    mark: () => board.mark(),
    voteRow: () => board.voteRow(),
    voteAll: () => board.vote(),
    undo: () => void board.undo(),
    instructions: ears.instruct,
    mode: () => ears.change("one"),
  };
  return onKeys((key, { target }) => {
    const isOnControl = target instanceof HTMLElement && target.matches("button, a, summary");
    const act = pressedAct("grid", key);
    if (act) return !(isOnControl && (key === " " || key.endsWith("enter"))) && did(acts[act]);
    const move = MOVES[key];
    if (move) return did(() => board.move(...move));
    const label = pressedLabel(key, session.view.get().lease?.labels ?? []);
    return label !== null && did(() => board.relabel(label));
  });
}

function did(act: (() => void) | undefined): boolean {
  act?.();
  return act !== undefined;
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
