/** A task while it is being made. */
import type { Schemas } from "../api/client";
import { NO_PIPELINE, type Pipeline, requestOf as pipelineOf } from "../pipeline/operations";
import type { Invited } from "./invited";
import type { Policy } from "./quorum";

export interface Draft {
  name: string;
  labels: readonly string[];
  instructions: string;
  allow_unsure: boolean;
  operators: Invited;
  order: Schemas["TaskRequest"]["order"];
  pipeline: Pipeline;
  quorum: Policy;
  detector: { mode: Schemas["DetectorPolicy"]["mode"]; accept_confidence: number; audit_share: number };
}

export const MOST_VOTES = 100;
/** How many more votes a tie asks for, unless the client says otherwise. */
export const EXTENSION = 2;

export function newDraft(hasDetector: boolean): Draft {
  return {
    name: "",
    labels: [],
    instructions: "",
    allow_unsure: false,
    operators: null,
    order: "random",
    pipeline: NO_PIPELINE,
    quorum: { votes_required: 3, stop: "settled", lead: 3, min_agreement: 0, max_votes: 5 },
    detector: { mode: hasDetector ? "suggest" : "off", accept_confidence: 0.9, audit_share: 0.05 },
  };
}

/** The draft with another number of votes; how far a tie extends stays, and a lead stays within reach. */
export function withVotes(draft: Draft, votes: number): Draft {
  const votes_required = Math.min(Math.max(Math.round(votes) || 1, 1), MOST_VOTES);
  const extension = draft.quorum.max_votes - draft.quorum.votes_required;
  return withQuorum(draft, { votes_required, max_votes: votes_required + extension });
}

export function withQuorum(draft: Draft, change: Partial<Policy>): Draft {
  const quorum = { ...draft.quorum, ...change };
  quorum.max_votes = Math.min(Math.max(quorum.max_votes, quorum.votes_required), 2 * MOST_VOTES);
  quorum.lead = Math.min(Math.max(quorum.lead, 1), quorum.max_votes, MOST_VOTES);
  return { ...draft, quorum };
}

/** Whether the pictures are only worked on, and nobody labels them. */
export function isUnlabeled({ pipeline }: Draft): boolean {
  return pipeline.isAlone && pipeline.steps.length > 0;
}

export function requestOf(draft: Draft): Schemas["TaskRequest"] {
  const { name, labels, instructions, allow_unsure, operators, quorum, detector } = draft;
  const order = orderOf(draft);
  const pipeline = pipelineOf(draft.pipeline);
  const isForPeople = !isUnlabeled(draft);
  return {
    name: name.trim(),
    labels: isForPeople ? [...labels] : [],
    ...(pipeline && { pipeline }),
    label_names: {},
    order,
    hide_names: false,
    instructions: instructions.trim() || null,
    allow_unsure,
    operators: operators && [...operators],
    quorum: isForPeople ? quorum : { ...quorum, votes_required: 0 },
    detector: {
      ...detector,
      mode: isForPeople ? detector.mode : "off",
      min_confidence: 0.25,
      label_map: {},
      prelabel_wait_s: 30,
    },
  };
}

const ORDERS = ["random", "upload", "name"] as const;
const BY_DETECTOR = ["uncertain", "confident"] as const;

/** In which orders people can be given the images: by what the detector says only where it says something. */
export function ordersOf({ detector }: Draft): readonly NonNullable<Draft["order"]>[] {
  return detector.mode === "off" ? ORDERS : [...ORDERS, ...BY_DETECTOR];
}

/** The order that was chosen, as long as there is such a one. */
export function orderOf(draft: Draft): NonNullable<Draft["order"]> {
  return ordersOf(draft).find((one) => one === draft.order) ?? "random";
}

/** The field of the form that a problem's pointer means: its own, or the closest that stands around it. */
export function fieldOf(pointer: string): string {
  const [first = "", second = "", third = ""] = pointer.split("/").slice(1);
  if (first === "pipeline") return third ? `step-${third}` : second === "quality" ? second : "add-step";
  if (first === "quorum" || first === "detector") return second || first;
  return first || "name";
}
