// The steps of a pipeline while they are being put together: which fields each has, and what the platform is asked for.

import type { Schemas } from "../api/client";

/** An operation as the platform describes it, and the form of its argument. */
export type Operation = Schemas["OperationForm"];
export type Argument = Schemas["ArgumentForm"];

export type Value = string | number | boolean | readonly string[];
export type Values = Readonly<Record<string, Value>>;
/** How lengths are given: in pixels, or in hundredths of the picture's side. */
export type Unit = "pixels" | "percent";

export interface Step {
  /** Tells steps apart while they are moved. */
  key: number;
  operation: Operation;
  values: Values;
  unit: Unit;
}

/** A step as a task has it: the operation's name and its argument. */
export type Asked = [Operation["name"], unknown];

export interface Pipeline {
  steps: readonly Step[];
  output: "png" | "jpg";
  /** Of JPEG, 1 to 100. */
  quality: number;
  /** Nobody labels: the pictures are only worked on. */
  isAlone: boolean;
}

export const NO_PIPELINE: Pipeline = { steps: [], output: "png", quality: 95, isAlone: false };

/** Of what is cut out there has to be something. */
const SIDES: readonly string[] = ["width", "height"];

/** What a step begins with where the platform names nothing. */
const FIRST: Readonly<Record<string, Values>> = {
  resize: { size: "640x640" },
  fit: { size: "1280x1280" },
  tile: { size: "512x512" },
  crop: { left: 25, top: 25, width: 50, height: 50 },
};

export function newStep(operation: Operation, key: number): Step {
  const values = operation.arguments.map((argument) => [argument.name, firstOf(operation.name, argument)] as const);
  return { key, operation, values: Object.fromEntries(values), unit: "percent" };
}

function firstOf(operation: string, { name, kind, choices, min, default: usual }: Argument): Value {
  const first = usual ?? FIRST[operation]?.[name] ?? (kind === "labels" ? [] : choices?.[0]);
  return first ?? (kind === "size" ? "640x640" : (min ?? 0));
}

/** Whether a person chooses in which unit the operation's numbers are. */
export function hasUnit({ name }: Operation): boolean {
  return name === "crop";
}

export function withValue(step: Step, name: string, value: Value): Step {
  return { ...step, values: { ...step.values, [name]: value } };
}

export function askedOf({ operation, values, unit }: Step): Asked {
  const isInShares = hasUnit(operation) && unit === "percent";
  const given = operation.arguments.map(({ name }) => {
    const value = values[name] ?? 0;
    return [name, isInShares ? Number(value) / 100 : value] as const;
  });
  if (operation.form === "true") return [operation.name, true];
  return [operation.name, operation.form === "value" ? given[0]?.[1] : Object.fromEntries(given)];
}

/** The pipeline as a task is asked to have it; null where nothing is done to its pictures. */
export function requestOf({ steps, output, quality }: Pipeline) {
  return steps.length === 0 ? null : { operations: steps.map(askedOf), output, quality };
}

/** The argument of a step that cannot stay as it is, and between what it has to be. */
export function faultOf({ operation, values, unit }: Step): { argument: Argument; least: number; most: number } | null {
  const isInShares = hasUnit(operation) && unit === "percent";
  for (const argument of operation.arguments) {
    const least = SIDES.includes(argument.name) ? 1 : (argument.min ?? 0);
    const most = isInShares ? 100 : (argument.max ?? Number.POSITIVE_INFINITY);
    const isWithin = numbersOf(argument, values[argument.name]).every((number) => number >= least && number <= most);
    if (!isWithin) return { argument, least, most };
  }
  const last = operation.arguments.at(-1);
  const isAll = isInShares && Object.values(values).every((value) => Number(value) % 100 === 0);
  return last && isAll ? { argument: last, least: 1, most: 99 } : null; // nothing is cut off
}

/** The numbers of a value that are bounded: of labels it is how many there are. */
function numbersOf({ kind }: Argument, value: Value | undefined): readonly number[] {
  if (kind === "size") return sidesOf(String(value));
  if (Array.isArray(value)) return [value.length];
  return typeof value === "number" && kind !== "choice" ? [value] : [];
}

/** Width and height of "WxH", each NaN where it is missing. */
export function sidesOf(size: string): [number, number] {
  const [width, height] = size.split("x").map((side) => (side === "" ? Number.NaN : Number(side)));
  return [width ?? Number.NaN, height ?? Number.NaN];
}

export function sizeOf(width: number, height: number): string {
  return [width, height].map((side) => (Number.isNaN(side) ? "" : side)).join("x");
}

/** How many images the steps make of one: as many as of the sample where they were tried; null where nobody knows. */
export function factorFor({ steps }: Pipeline, shown: readonly { count: number }[] | null): number | null {
  const last = shown?.length === steps.length ? shown.at(-1) : undefined;
  return last && last.count > 0 ? last.count : factorOf(steps);
}

/** As far as the steps alone tell; null where the picture's size matters. */
function factorOf(steps: readonly Step[]): number | null {
  const several = steps.map(({ operation }) => operation).filter(({ makes_several }) => makes_several);
  return several.every(({ name }) => name === "split") ? 4 ** several.length : null;
}
