/** Texts of the pages about tasks; they come with those pages, not with the first load. */
import { en } from "./en";

const time = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How long ago a moment was, in its largest unit. */
export function since(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  for (const [unit, length] of UNITS) if (seconds >= length) return ago.format(-Math.floor(seconds / length), unit);
  return "just now";
}

/** A time of day and its date; of another year than this one, the date alone, with its year. */
export function moment(text: string): string {
  const at = new Date(text);
  return (at.getFullYear() === new Date().getFullYear() ? time : date).format(at);
}

export const tasks = {
  board: {
    title: "Tasks",
    make: "New task",
    find: "Name begins with",
    states: { unfinished: "Open", completed: "Completed", all: "All" },
    shown: "Which tasks",
    mine: "Mine",
    more: "Show older tasks",
    none: "There is no task yet",
    noneDetail: "Pictures go in, people vote on each until a quorum settles it, and labels come out.",
    first: "Make your first task",
    steps: ["Pictures in", "People vote", "Labels out"],
    noneSuch: "No task is like that",
    noneSuchDetail: "Names are found by how they begin.",
    showAll: "Show all tasks",
    of: (ended: number, images: number) => `${en.number(ended)} / ${en.number(images)}`,
    ended: (ended: number, images: number) => `${en.number(ended)} of ${en.number(images)} images have ended`,
    disputed: (count: number) => `${en.number(count)} disputed`,
    rate: (votes: number) => `${en.number(votes)} votes/min`,
    madeBy: (owner: string, when: string) => `${owner}, ${when}`,
    uploading: (share: number) => `uploading ${en.percent(share)}`,
    uploadPaused: (share: number) => `upload paused at ${en.percent(share)}`,
  },
  states: { open: "Open", sealed: "Sealed", completed: "Completed", cancelled: "Cancelled" },
  live: { live: "Live", polled: "Every 5 s" },
  page: {
    path: "Where you are",
    about: (owner: string, when: string) => `Made by ${owner}, ${when}.`,
    change: "Change",
    label: "Label",
    more: "More actions",
    exports: "Export",
    exportAs: {
      jsonl: "JSON Lines",
      csv: "CSV",
      imagefolder: "Folders of pictures, by label",
      parquet: "Parquet, with pictures",
      labelstudio: "Label Studio",
      coco: "COCO, with pictures",
      yolo: "YOLO, with pictures",
    } as Record<string, string>,
    seal: "Seal",
    edit: "Edit",
    invite: "Who may label it",
    reopen: "Reopen",
    finish: "Finish now",
    erase: "Erase",
    add: "Add pictures",
    upload: "Upload",
    noneSuch: "There is no such task",
    noneSuchDetail: "It may have been erased, or the address is mistyped.",
    board: "All tasks",
    erased: "This task was erased",
    erasedDetail: "Its images, votes and results are gone.",
    progressName: "Progress",
    policy: {
      settled: (votes: number) => (votes === 1 ? "One vote." : `Up to ${en.number(votes)} votes, stop once settled.`),
      exact: (votes: number) => (votes === 1 ? "One vote." : `${en.number(votes)} votes, all of them.`),
      lead: (votes: number) => `Up to ${en.number(votes)} votes, stop at a lead.`,
    },
    detector: {
      off: "No detector.",
      suggest: "Detector suggests.",
      vote: "Detector votes.",
      accept: "Detector may settle.",
    },
    progress: (settled: number, disputed: number, open: number) =>
      `${en.number(settled)} settled, ${en.number(disputed)} disputed, ${en.number(open)} open`,
    settled: "settled",
    disputed: "disputed",
    open: "open",
    images: (count: number) => en.counted(count, "image", "images"),
    decide: "Decide the disputes",
    instructions: "Instructions",
  },
  grid: {
    name: "Images",
    states: { all: "All", open: "Open", completed: "Settled", disputed: "Disputed" },
    state: "State",
    label: "Label",
    anyLabel: "Any label",
    decidedBy: "Decided by",
    anyDecider: "Decided by anyone",
    deciders: {
      quorum: "all votes",
      settled: "once settled",
      lead: "a lead",
      detector: "the detector",
      adjudicator: "an adjudicator",
      client: "the client",
    },
    order: "Order",
    orders: {
      id: "In no order",
      newest: "Newest first",
      name: "By file name",
      uncertain: "Least agreement first",
      confident: "Most agreement first",
    },
    find: "Find a file",
    suggested: (label: string) => `Detector: ${label}`,
    against: "Against the detector",
    alike: "As the detector says",
    agreement: (from: number, below: number) =>
      from === 1 ? "Agreement 100 %" : `Agreement ${en.percent(from)} to ${en.percent(below)}`,
    without: (filter: string) => `Without ${filter}`,
    none: "No image is like that",
    noneDetail: "Choose another filter.",
    clear: "Show all images",
    empty: "This task has no image yet",
    emptyDrop: "This task has no image yet. Drop folders, pictures or zips here.",
    open: "open",
    disputed: "disputed",
    removed: "removed",
    tally: (votes: readonly number[]) => votes.map(en.number).join("/"),
  },
  drawer: {
    close: "Close",
    next: "Next image",
    previous: "Previous image",
    size: (width: number, height: number) => `${en.number(width)} × ${en.number(height)}`,
    open: "Open",
    openDetail: "Votes are shown when the image has ended, so that nobody is led by them.",
    votes: "Votes",
    noVotes: "Nobody voted.",
    unsure: "unsure",
    decidedBy: {
      quorum: "by quorum",
      settled: "as soon as it was settled",
      lead: "by its lead",
      detector: "by the detector",
      adjudicator: "by an adjudicator",
      client: "by the client",
    } as Record<string, string>,
    decided: (how: string, when: string) => `Decided ${how}, ${when}.`,
    agreement: (share: number) => `${en.percent(share)} agreement`,
    revision: (revision: number) => `Revision ${en.number(revision)}`,
    by: (who: string, reason: string) => `${who}: ${reason}`,
    earlier: "Before",
    detector: "The detector's suggestion",
    noLabel: "no label",
    boxes: "The detector's boxes",
    remove: "Remove image",
    gone: "This image is not here",
    goneDetail: "It may have been removed.",
  },
  dialogs: {
    reason: "Reason",
    reasonNeeded: "Say why, in a few words.",
    seal: {
      title: "Seal this task?",
      detail: "No more pictures can be added. The task completes when its last image has ended. It can be reopened.",
      go: "Seal",
      failed: "An upload is under way. Sealing waits for it.",
    },
    reopen: {
      title: "Reopen this task?",
      detail: "Pictures can be added again, and people can go on labeling what is open. Results stay.",
      go: "Reopen",
    },
    finish: {
      title: "Finish this task now?",
      detail: "Images that are still open end with the votes they have. Those without a winner become disputed.",
      go: "Finish now",
    },
    remove: {
      title: "Remove this image?",
      detail: "The picture, its votes and its result go. Other images stay as they are.",
      go: "Remove",
    },
    erase: {
      title: "Erase this task?",
      detail: "All its images, votes and results go, and nobody can bring them back. Export first what you need.",
      type: (name: string) => `Type the name to confirm: ${name}`,
      wrong: "This is not the name of the task.",
      go: "Erase",
    },
    edit: {
      title: "Edit task",
      name: "Name",
      instructions: "Instructions",
      instructionsHint: "Line breaks stay. An empty text takes the instructions away.",
      add: "Add labels",
      addHint: "One a line. Votes that were cast stay as they are.",
      names: "Shown as",
      namesHint: "How labels are shown. Votes and results keep the label itself.",
      votes: "Votes",
      go: "Save",
    },
  },
};
