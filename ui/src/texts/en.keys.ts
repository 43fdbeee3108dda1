/** Names of keys, and what they do. */
import type { Act, FIXED, Refused, Scope } from "../shell/keymap";

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  enter: "Enter",
  "shift+enter": "Shift Enter",
  backspace: "Backspace",
  delete: "Delete",
  tab: "Tab",
  escape: "Esc",
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
};

const acts: Record<Act, string> = {
  unsure: "unsure, where the task allows it",
  skip: "skip: somebody else gets the image",
  undo: "undo the last vote or row",
  hide: "hold to hide the boxes",
  boxes: "boxes on or off",
  zoomIn: "zoom in",
  zoomOut: "zoom out",
  fit: "the whole picture",
  instructions: "instructions",
  mode: "one image, or the grid",
  mark: "mark what is not so",
  voteRow: "vote the row",
  voteAll: "vote all rows",
  reason: "type a reason",
  decide: "decide and go on",
  next: "next",
  previous: "previous",
  make: "new task",
  work: "label the task",
  filter: "filter by label",
  exports: "export",
  find: "find",
  go: "go to another page: then its own key",
  help: "show these keys",
};

export const keyTexts = {
  title: "Keys",
  open: "All keys",
  everywhere: "Everywhere",
  goTo: (place: string) => `go to ${place}`,
  close: "close what is open",
  off: "Single keys are switched off in the settings.",
  name: (key: string) => NAMES[key] ?? key.toUpperCase(),
  acts,
  fixed: {
    labels: "a label",
    pan: "move the picture when zoomed in",
    move: "move among the pictures",
    row: "next row",
    open: "open",
    states: "all, open, settled, disputed",
  } satisfies Record<(typeof FIXED)[number]["what"], string>,
  scopes: {
    label: "Label",
    grid: "Grid",
    disputes: "Disputes",
    tasks: "Tasks",
    task: "Task",
    recognise: "Recognise",
  } satisfies Record<Scope, string>,
  refused(refused: Refused, key: string): string {
    const name = keyTexts.name(key);
    if (refused.why === "reserved") return `${name} belongs to the browser, or to moving about the page.`;
    if (refused.why === "labels") return `${name} chooses a label.`;
    return `${name} is taken: ${acts[refused.by]}.`;
  },
};
