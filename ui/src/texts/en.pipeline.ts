/** Texts about pipelines: what is done to pictures before people label them. */
import { en } from "./en";

const OPERATIONS: Readonly<Record<string, string>> = {
  resize: "Resize",
  fit: "Fit into a size",
  split: "Split into quarters",
  tile: "Cut into tiles",
  crop: "Crop",
  rotate: "Rotate",
  grayscale: "Grayscale",
  blur: "Blur",
  hide: "Hide objects",
};

const FIELDS: Readonly<Record<string, string>> = {
  size: "Size",
  overlap: "Overlap",
  left: "From the left",
  top: "From the top",
  width: "Width",
  height: "Height",
  degrees: "Clockwise",
  kind: "How",
  labels: "What is hidden",
  with: "With",
  confidence: "Seen with at least, %",
  grow: "Boxes larger by, %",
};

const CHOICES: Readonly<Record<string, string>> = {
  updownsampling: "down and up",
  pixelate: "pixels",
  fill: "one colour",
};

/** One sentence for what each operation does. */
const SAYS: Readonly<Record<string, string>> = {
  resize: "Every picture gets exactly this size, whatever its shape.",
  fit: "Larger pictures are made smaller until they fit, and keep their shape.",
  split: "Each picture becomes four; no pixel is lost.",
  tile: "Each picture is cut into pieces of this size; the last ones are moved in to fit.",
  crop: "Only this part of each picture stays.",
  rotate: "Each picture is turned.",
  grayscale: "Colours go.",
  blur: "Fine detail goes.",
  hide: "What the detector sees of these is covered. What it misses stays.",
};

export const pipeline = {
  title: "Steps before labeling",
  hint: "What is done to each picture first. People label what comes out.",
  none: "No step: people see the pictures as they are.",
  add: "Add a step",
  most: (steps: number) => `A pipeline has at most ${en.number(steps)} steps.`,
  steps: (count: number) => en.counted(count, "step", "steps"),
  moving: "Alt and an arrow key move a step.",
  operation: (name: string) => OPERATIONS[name] ?? name,
  says: (name: string) => SAYS[name],
  /** What pixelating and blurring do not promise. */
  undone: "Pixels and blur can be undone in part: for privacy, choose one colour.",
  field: (name: string) => FIELDS[name] ?? name,
  choice: (choice: string | number) => CHOICES[choice] ?? String(choice),
  turn: (degrees: string | number) => `${degrees}°`,
  unit: "Lengths in",
  units: { percent: "% of the picture", pixels: "pixels" } as const,
  side: { width: "width", height: "height" } as const,
  of: (field: string, side: string) => `${field}, ${side}`,
  labelsHint: "Classes of the detector's model, between commas.",
  place: (place: number, name: string) => `Step ${en.number(place)}: ${name}`,
  up: (name: string) => `Move ${name} up`,
  down: (name: string) => `Move ${name} down`,
  remove: (name: string) => `Remove ${name}`,
  faults: {
    labels: (field: string) => `${field}: name at least one.`,
    number: (field: string, least: number, most: number | null) =>
      most === null
        ? `${field}: from ${en.number(least)} on.`
        : `${field}: from ${en.number(least)} to ${en.number(most)}.`,
  },
  sample: {
    title: "Sample",
    choose: "Choose a sample",
    another: "Another sample",
    hint: "Choose or drop a picture to see what each step makes of it.",
    before: (name: string) => `Before: ${name}`,
    after: (place: number, image: number) => `After step ${en.number(place)}, image ${en.number(image)}`,
    size: (width: number, height: number) => `${en.number(width)} × ${en.number(height)}`,
    makes: (images: number) => en.counted(images, "image", "images"),
    more: (images: number) => `+${en.number(images)}`,
    looking: "Trying it",
    failed: (why: string) => `The sample could not be tried: ${why}`,
  },
  output: "Kept as",
  outputs: { png: "PNG", jpg: "JPEG" } as const,
  outputSays: {
    png: "Nothing is lost, and files are larger.",
    jpg: "Smaller files, a little less exact.",
  } as const,
  quality: "Quality",
  alone: "Only do this: nobody labels",
  aloneDetail: "No votes are asked for and no labels are needed. The task completes once every picture is done.",
};
