/** Texts about estimates beside the record, and about how operators vote. */
import type { Schemas } from "../api/client";
import { en } from "./en";

type Flag = Schemas["OperatorShown"]["flags"][number];

export const consensus = {
  places: "Images or consensus",
  images: "Images",
  tab: "Consensus",
  detail:
    "Estimates of the true labels from all votes together. Results stay as they are; what an estimate doubts, a person can look at.",
  methods: "Methods",
  method: {
    majority: "Majority",
    ds: "Dawid-Skene",
    "one-coin": "One coin",
    mace: "MACE",
    glad: "GLAD",
  } satisfies Record<Schemas["RunShown"]["methods"][number], string>,
  ask: "Estimate",
  runs: "Runs",
  runHead: { asked: "Asked for", by: "By", methods: "Methods", state: "State", differing: "Differs most" },
  none: "Nothing was estimated yet.",
  state: { waiting: "waits", running: "under way", finished: "finished", failed: "failed" },
  about: (images: number, votes: number, voters: number) =>
    `${en.counted(votes, "vote", "votes")} of ${en.counted(voters, "voter", "voters")} on ${en.counted(images, "image", "images")}.`,
  alpha: (alpha: number | null) => `Krippendorff’s alpha ${alpha === null ? "is not defined" : alpha.toFixed(2)}.`,
  kappa: (kappa: number) => `Fleiss’ kappa ${kappa.toFixed(2)}.`,
  alphaHint: "Early stopping moves alpha: compare tasks only where images have as many votes.",
  byMethod: "Methods side by side",
  methodHead: {
    method: "Method",
    labels: "Labels",
    ties: "Ties",
    differing: "Differs from the record",
    acts: "Actions",
  },
  differing: (differing: number, compared: number) => `${en.number(differing)} of ${en.number(compared)}`,
  notSettled: "not settled",
  send: (count: number) => `Send ${en.counted(count, "image", "images")} to the adjudicators`,
  sending: (sent: number) => `${en.number(sent)} sent so far`,
  sent: (sent: number) => `${en.counted(sent, "image", "images")} sent`,
  leftOut: (method: string, why: string) => `${method}: ${why}`,
  differs: "Images where a method differs",
  differsBy: "Method",
  same: "It names the record’s label on every image.",
  says: (label: string, posterior: number) => `${label} (${en.percent(posterior)})`,
  record: (label: string) => `record: ${label}`,
  more: "Show more",
  voters: "Voters",
  voterHead: { voter: "Voter", votes: "Votes", alike: "As the others" },
  exports: "Export",
  failed: "That did not work",
  doubted: (method: string, named: string, record: string) =>
    `${method} names ${named}; the record says ${record}. It stays until you decide.`,
};

export const operatorsReport = {
  place: "Operators",
  detail:
    "How the team’s operators vote. A flag is a reason to look at some of their votes; nothing follows from it by itself.",
  count: "Count anew",
  counting: "The votes are being counted.",
  never: "The votes were not counted yet.",
  asOf: (at: string, votes: number, images: number) =>
    `${en.counted(votes, "vote", "votes")} on ${en.counted(images, "image", "images")}, counted ${at}.`,
  failed: (why: string) => `They could not be counted: ${why}`,
  head: {
    operator: "Operator",
    flags: "To look at",
    last: "Last vote",
    votes: "Votes",
    week: "7 days",
    pace: "Per minute",
    agreement: "Agreement",
    unsure: "Unsure",
    commonest: "Commonest label",
    run: "Longest run",
  },
  commonest: (label: string, share: number) => `${label} ${en.percent(share)}`,
  pairs: "Pairs",
  pairsDetail: "Pairs with most images in common. Those who vote on their own are seldom alike where others differ.",
  pairHead: {
    pair: "Pair",
    flags: "To look at",
    common: "In common",
    alike: "Alike",
    off: "Off",
    offAlike: "Alike there",
  },
  pair: (one: string, other: string) => `${one} and ${other}`,
  flag: {
    "one label": "one label",
    "long run": "long run",
    fast: "fast",
    "often alone": "often alone",
    copies: "copies",
  } satisfies Record<Flag, string>,
};
