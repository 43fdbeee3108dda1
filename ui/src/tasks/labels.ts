// A label set while it is being typed: what a paste means, and what the task manager would refuse.

export const MAX_LABELS = 1000;
const MAX_LENGTH = 200;
const MAX_SET_BYTES = 32_768;
const UNSURE = "unsure";
const SEEN = /[^\p{C}\p{Z}\p{Mn}\p{Me}\u2800\u115f\u1160\u3164\uffa0]/u;

/** Halves of characters, which no text in UTF-8 can hold. */
const HALVES = /\p{Cs}/u;

export type LabelFault = "duplicate" | "too-long" | "invisible" | "reserved";

/** The labels of a pasted text: one a line, or, where all is one line, between commas. */
export function parseLabels(text: string): string[] {
  const separator = /[\r\n]/.test(text.trim()) ? /[\r\n]+/ : /[,\t]/;
  return text
    .split(separator)
    .map((label) => label.trim())
    .filter((label) => label !== "");
}

/** What makes two labels the same: their letters apart from case and form, as Python's casefold has it. */
export function folded(label: string): string {
  const letters = [...label.normalize("NFC")].map((letter) =>
    letter === "ı" ? letter : letter.toLowerCase().toUpperCase().toLowerCase(),
  );
  return letters.join("").normalize("NFC");
}

/** What is wrong with each label that cannot stay as it is, by position. */
export function labelFaults(labels: readonly string[], allowUnsure: boolean): Map<number, LabelFault> {
  const faults = new Map<number, LabelFault>();
  const seen = new Set<string>();
  labels.forEach((label, position) => {
    const key = folded(label);
    if (!SEEN.test(label) || HALVES.test(label)) faults.set(position, "invisible");
    else if ([...label].length > MAX_LENGTH) faults.set(position, "too-long");
    else if (allowUnsure && key === UNSURE) faults.set(position, "reserved");
    else if (seen.has(key)) faults.set(position, "duplicate");
    seen.add(key);
  });
  return faults;
}

/** How many bytes the set is over what a task may have. */
export function bytesOver(labels: readonly string[]): number {
  return Math.max(0, new TextEncoder().encode(labels.join("")).length - MAX_SET_BYTES);
}

/** The labels with one moved to another place. */
export function moved<T>(labels: readonly T[], from: number, to: number): T[] {
  const target = Math.min(Math.max(to, 0), labels.length - 1);
  const rest = labels.toSpliced(from, 1);
  return rest.toSpliced(target, 0, labels[from] as T);
}
