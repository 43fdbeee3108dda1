/** Texts of the page that makes a task. */

import type { Schemas } from "../api/client";
import { en } from "./en";

const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const newTask = {
  title: "New task",
  parts: { terms: "Name and labels", pictures: "Pictures", settled: "How it is settled" },
  name: "Name",
  nameNeeded: "A task needs a name.",
  labels: {
    title: "Labels",
    add: "Add labels",
    hint: "Type or paste labels, one a line or between commas. Their order is that of the keys: 1, 2, 3.",
    example: "person, animal, other",
    none: "A task needs at least one label.",
    name: (position: number) => `Label ${en.number(position)}`,
    up: (label: string) => `Move ${label} up`,
    down: (label: string) => `Move ${label} down`,
    remove: (label: string) => `Remove ${label}`,
    moving: "Alt and an arrow key move a label.",
    count: (count: number) => en.counted(count, "label", "labels"),
    over: (bytes: number) => `The labels together are ${en.number(bytes)} bytes too long.`,
    tooMany: (most: number) => `A task has at most ${en.number(most)} labels.`,
    faults: {
      duplicate: "This label is there twice, apart from case and form.",
      "too-long": "A label has at most 200 characters.",
      invisible: "A label needs a character that can be seen.",
      reserved: "“unsure” is what people answer who name no label.",
    },
  },
  instructions: "Instructions",
  instructionsHint: "What people are shown beside the picture. Line breaks stay.",
  unsure: "People may answer “unsure”",
  fewer: (what: string) => `${what}: one less`,
  oneMore: (what: string) => `${what}: one more`,
  votes: {
    title: "Votes",
    says: (votes: number) =>
      votes === 1
        ? "One person looks at each image."
        : `Up to ${en.number(votes)} people look at each image; one person alone can't finish it.`,
    alone: "I label alone: one vote",
  },
  stop: {
    title: "Stop asking",
    options: { settled: "once settled", exact: "at the full number", lead: "at a lead" } as const,
    says: {
      settled: () => "No more people are asked once their votes could not change the winner. The answer is the same.",
      exact: (votes: number) => `Every image gets ${en.counted(votes, "vote", "votes")}, whatever the first ones say.`,
      lead: (_: number, lead: number) => `As soon as a label leads by ${en.counted(lead, "vote", "votes")}.`,
    },
    lead: "Lead",
  },
  agreement: {
    title: "Least agreement",
    says: (share: number) =>
      share === 0
        ? "The label with the most votes wins."
        : `A winner needs ${en.percent(share)} of the votes; else more people are asked.`,
  },
  most: {
    title: "At most",
    says: (votes: number, most: number) =>
      most > votes
        ? `A tie asks for one more vote at a time, up to ${en.number(most)}; then an adjudicator decides.`
        : "A tie goes to an adjudicator.",
  },
  detector: {
    title: "Detector",
    options: { suggest: "suggests", off: "stays out", vote: "votes", accept: "may settle" } as const,
    says: {
      off: () => "The detector does not look at these images.",
      suggest: () => "Its suggestion is shown to people and never counts as a vote.",
      vote: () => "Its label counts as one of the votes.",
      accept: (sure: number) => `Where it is at least ${en.percent(sure)} sure, its label settles the image alone.`,
    },
    none: "No detector is running here.",
    sure: "Sure enough",
    audit: "Held back",
    auditSays: (share: number) => `On ${en.percent(share)} of the images it stays silent, so that it can be measured.`,
  },
  order: {
    title: "People get the images",
    options: {
      random: "at random",
      upload: "first in, first out",
      name: "by name",
      uncertain: "least sure first",
      confident: "surest first",
    } as const,
    says: {
      random: "Each person begins elsewhere, so that nobody waits for another.",
      upload: "In the order in which they were uploaded.",
      name: "In the order of their file names.",
      uncertain: "First those of whose label the detector is least sure: there people help most.",
      confident: "First those of whose label the detector is surest: quick to confirm.",
    } as const,
  },
  cost: {
    title: "What it will cost",
    alike: "How alike people will be",
    alikeSays: (share: number) => `People name the right label ${en.percent(share)} of the time.`,
    each: (votes: number, most: number) =>
      `About ${decimal.format(votes)} votes an image instead of ${en.number(most)}`,
    exactly: (votes: number) => `${en.counted(votes, "vote", "votes")} an image`,
    all: (votes: number, images: number) =>
      `${en.number(Math.round(votes))} votes for ${en.counted(images, "image", "images")}.`,
    disputed: (share: number) => `${en.percent(share)} will be disputed.`,
    derived: (pictures: number) => `The steps make them of ${en.counted(pictures, "picture", "pictures")}.`,
    unknown: "How many images the tiles will be, a sample tells.",
  },
  unlabeled: "Nobody labels these pictures: no votes are asked for. The task completes once every picture is done.",
  seal: "These are all the pictures",
  sealDetail: "The task is sealed after the upload: it completes with its last image. It can be reopened.",
  create: "Create and upload",
  createOnly: "Create without pictures",
  noPictures: "No picture is chosen yet.",
  creating: "Creating",
  wrong: "The task can't be made like this yet.",
};

export type DetectorMode = Schemas["DetectorPolicy"]["mode"];
