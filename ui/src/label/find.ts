/** Labels found by part of their name. */
import type { Lease } from "../api/fields";

export interface Named {
  label: string;
  name: string;
}

export function named({ labels, label_names }: Pick<Lease, "labels" | "label_names">): Named[] {
  return labels.map((label) => ({ label, name: label_names[label] ?? label }));
}

/** In the label set's order, those that begin with the text first. */
export function found(all: readonly Named[], text: string): readonly Named[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return all;
  const at = new Map(all.map((one) => [one, one.name.toLowerCase().indexOf(wanted)]));
  const begins = all.filter((one) => at.get(one) === 0);
  return [...begins, ...all.filter((one) => (at.get(one) ?? 0) > 0)];
}
