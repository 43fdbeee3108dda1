/** How the votes of a disputed image stand, for the person who decides it. */
import type { Schemas } from "../api/client";

export type Dispute = Schemas["SubtaskShown"];
type Vote = Dispute["votes"][number];

const DETECTOR = "detector:";

export interface Standing {
  label: string;
  votes: Vote[];
}

/** What people voted, the most named label first and equals in the label set's order; unsure ones and models apart. */
export function standings(dispute: Dispute): { people: Standing[]; unsure: Vote[]; models: Vote[] } {
  const models = dispute.votes.filter(({ voter }) => voter.startsWith(DETECTOR));
  const persons = dispute.votes.filter(({ voter }) => !voter.startsWith(DETECTOR));
  const people = dispute.labels
    .map((label) => ({ label, votes: persons.filter((vote) => vote.label === label) }))
    .filter(({ votes }) => votes.length > 0)
    .toSorted((one, other) => other.votes.length - one.votes.length);
  return { people, unsure: persons.filter(({ label }) => label === null), models };
}

/** When the votes ended: that of the last one. */
export function disputedAt({ votes, result }: Dispute): string | null {
  return (
    result?.completed_at ??
    votes
      .map(({ at }) => at)
      .toSorted()
      .at(-1) ??
    null
  );
}
