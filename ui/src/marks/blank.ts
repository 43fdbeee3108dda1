import type { SyntheticEvent } from "react";

/** A small picture that can't be loaded leaves its place empty, without the browser's torn page. */
export function blank({ currentTarget }: SyntheticEvent<HTMLImageElement>): void {
  currentTarget.style.visibility = "hidden";
}
