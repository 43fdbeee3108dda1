import { useEffect, useState } from "react";
import type { Sample } from "./PipelineEditor";

/** The picture on which steps are tried: one that was chosen for it, else the first of those that will be uploaded. */
export function useSample(first: { open(): Promise<File> } | null): Sample {
  const [own, setOwn] = useState<File | null>(null);
  const [opened, setOpened] = useState<File | null>(null);
  useEffect(() => {
    let isGone = false;
    const opening = first ? first.open().catch(() => null) : Promise.resolve(null); // its upload says what is wrong
    void opening.then((file) => !isGone && setOpened(file));
    return () => {
      isGone = true;
    };
  }, [first]);
  return { file: own ?? opened, take: setOwn };
}
