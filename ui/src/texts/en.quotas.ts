/** Texts about what teams may have. */
import { en } from "./en";

const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;
const STEP = 1000;

/** Bytes as people say them, with one decimal at the most. */
function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= STEP && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${en.number(Math.round(value * 10) / 10)} ${UNITS[unit]}`;
}

export const quotas = {
  detail: "What each team has, and may have. Whoever asks for more is told which quota is used up.",
  firstTeam: "First team",
  none: "No team has made a task yet.",
  head: {
    team: "Team",
    images: "Images",
    bytes: "Storage",
    openTasks: "Open tasks",
    liveLeases: "Leases per operator",
    acts: "Actions",
  },
  bytes,
  of: (used: string, most: string | null) => (most === null ? used : `${used} of ${most}`),
  usual: "100 for each request",
  edit: "Edit",
  editTitle: (team: string) => `Quotas of ${team}`,
  editDetail: "An empty field leaves it as the settings of the platform say.",
  save: "Save",
  field: {
    images: "Images, at most",
    megabytes: "Storage, at most, in MB",
    openTasks: "Open tasks, at most",
    liveLeases: "Leases that an operator may hold, at most",
  },
  storageHint: "Of stored images, without their smaller copies.",
  openHint: "Those that have not ended.",
  notNumber: (field: string) => `${field}: type a number, or nothing.`,
};
