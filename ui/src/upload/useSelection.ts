import { useRef, useState } from "react";
import { useMe } from "../shell/me";
import { noSelection, type Selection, select } from "./selection";
import type { Source } from "./walk";

/** What has been chosen so far, and whether files are still being looked through. */
export function useSelection() {
  const { limits } = useMe();
  const selection = useRef(noSelection());
  const [shown, setShown] = useState<Selection>(selection.current);
  const [looks, setLooks] = useState(0);
  const take = async (sources: AsyncIterable<Source> | Iterable<Source>) => {
    const taken = selection.current;
    setLooks((count) => count + 1);
    await select(taken, sources, limits, () => taken === selection.current && setShown({ ...taken }));
    setLooks((count) => count - 1);
  };
  const clear = () => {
    selection.current = noSelection();
    setShown(selection.current);
  };
  return { selection: shown, isLooking: looks > 0, take, clear };
}
