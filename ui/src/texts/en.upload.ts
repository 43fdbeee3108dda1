/** Texts about uploads and their reports. */
import { en } from "./en";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A size in its largest unit, with one digit behind the point from a megabyte up. */
export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const format = {
    style: "unit",
    unit: UNITS[power],
    unitDisplay: "short",
    maximumFractionDigits: power > 1 ? 1 : 0,
  } as const;
  return new Intl.NumberFormat("en", format).format(bytes / 1000 ** power);
}

export const upload = {
  drop: {
    title: "Drop folders, pictures or zips here",
    detail: "JPEG, PNG, WebP or BMP, whatever the file is called.",
    files: "Choose files",
    folder: "Choose a folder",
  },
  selected: {
    looking: "Looking through the files",
    files: (files: number, bytes: number) => `${en.counted(files, "file", "files")}, ${size(bytes)}`,
    zips: (zips: number) => en.counted(zips, "zip", "zips"),
    refused: (count: number) => `${en.number(count)} will be refused: why`,
    more: (count: number) => `and ${en.number(count)} more, all of them in the report`,
    clear: "Clear the list",
  },
  panel: {
    title: "Upload",
    report: "Upload report",
    sending: (answered: number, files: number) => `${en.number(answered)} of ${en.number(files)} files are done`,
    done: (files: number) => `Upload finished: ${en.counted(files, "file", "files")}`,
    bytes: (sent: number, all: number) => `${size(sent)} of ${size(all)}`,
    cut: (answered: number, files: number) =>
      `The upload was cut off: ${en.number(answered)} of ${en.number(files)} files are done. ` +
      "Add the same files again; those that are here already are reported as duplicates.",
    again: "Add them again",
    pause: "Pause",
    resume: "Go on",
    paused: "Paused.",
    sealing: "Waiting for the upload to end before sealing.",
    sealFailed: (why: string) => `The task could not be sealed: ${why}`,
    csv: "Report as CSV",
    csvName: "upload-report.csv",
    show: "Show",
    hide: "Hide the report",
    open: "Show the report",
    file: "File",
    outcome: "Outcome",
    note: "Why, and what was changed",
    all: "All",
    statuses: { accepted: "accepted", duplicate: "duplicate", rejected: "refused", skipped: "skipped" },
  },
};
