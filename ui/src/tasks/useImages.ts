import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, bodyOf, type Schemas } from "../api/client";
import type { Filter } from "./filter";
import type { Task } from "./streams";

export const PAGE_IMAGES = 200;
const HELD_MS = 30_000;
const LOOK_AGAIN_MS = 1_500;

/** Its pictures are null while a pipeline has yet to make them. */
export type Image = Schemas["ImageResult"];

interface Page {
  items: Image[];
  next: string | null;
}

export const imagesKey = (task: string) => ["images", task] as const;

/** The renditions of an image, each falling back to the original. */
function renditions(image: Image): Image {
  const { image_url, thumbnail_url, screen_url } = image;
  return { ...image, thumbnail_url: thumbnail_url ?? image_url, screen_url: screen_url ?? image_url };
}

/** A full page, or the last one: the platform looks through so many images at a time, and may find few among them. */
async function page(task: string, filter: Filter, cursor: string | null, signal: AbortSignal): Promise<Page> {
  const items: Image[] = [];
  let next = cursor;
  do {
    const query = { ...filter, cursor: next, limit: PAGE_IMAGES - items.length };
    const answer = bodyOf(
      await api.GET("/api/tasks/{task_id}/images", { params: { path: { task_id: task }, query }, signal }),
    );
    items.push(...answer.items.map(renditions));
    next = answer.next_cursor;
  } while (next !== null && items.length < PAGE_IMAGES);
  return { items, next };
}

/**
 * The images of a task, a page at a time. Only pages around what is on screen are held and kept up to date; of the
 * others the cursor is, so that a task of any size costs the same.
 */
export function useImages({ id: task, counts }: Task, filter: Filter) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const [shown, setShown] = useState({ first: 0, last: 0 });
  const numbers = cursors.map((_, number) => number).filter((number) => number >= shown.first && number <= shown.last);
  const pages = useQueries({
    queries: numbers.map((number) => ({
      queryKey: [...imagesKey(task), filter, cursors[number]],
      queryFn: ({ signal }: { signal: AbortSignal }) => page(task, filter, cursors[number] ?? null, signal),
      gcTime: HELD_MS,
    })),
  });
  useReadAnew(task, Object.values(counts).join(" "));
  const held = new Map(numbers.map((number, at) => [number, pages[at]?.data]));
  const lastPage = held.get(cursors.length - 1);
  const next = lastPage?.next ?? null;
  const [lastCount, setLastCount] = useState(0);
  useEffect(() => {
    if (next !== null) setCursors((known) => (known.includes(next) ? known : [...known, next]));
  }, [next]);
  useEffect(() => {
    if (lastPage) setLastCount(lastPage.items.length);
  }, [lastPage]);
  return {
    /** How many are known of; more may come while the last page is not loaded. */
    count: (cursors.length - 1) * PAGE_IMAGES + (lastPage?.items.length ?? Math.min(lastCount, PAGE_IMAGES)),
    at: (index: number): Image | undefined => held.get(Math.floor(index / PAGE_IMAGES))?.items[index % PAGE_IMAGES],
    /** Where an image of the pages held stands, or -1. */
    find: (id: string): number => {
      for (const [number, one] of held) {
        const position = one?.items.findIndex(({ image_id }) => image_id === id) ?? -1;
        if (position >= 0) return number * PAGE_IMAGES + position;
      }
      return -1;
    },
    /** Say which images are on screen. */
    show: (first: number, last: number) => {
      const wanted = { first: Math.floor(first / PAGE_IMAGES), last: Math.ceil((last + 1) / PAGE_IMAGES) };
      if (wanted.first !== shown.first || wanted.last !== shown.last) setShown(wanted);
    },
    isPending: pages[0]?.isPending ?? true,
    error: pages.find(({ error }) => error)?.error ?? null,
    retry: () => pages.map((one) => one.refetch()),
  };
}

/** Reads the pages held again when the counts have changed, at most once in a while, and not while a deed is done. */
function useReadAnew(task: string, counts: string): void {
  const client = useQueryClient();
  const seen = useRef(counts);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (counts === seen.current) return;
    seen.current = counts;
    const wait = () => setTimeout(look, LOOK_AGAIN_MS);
    const look = () => {
      timer.current = client.isMutating() > 0 ? wait() : undefined;
      if (!timer.current) void client.invalidateQueries({ queryKey: imagesKey(task) });
    };
    timer.current ??= wait();
  }, [client, task, counts]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
}

export type Images = ReturnType<typeof useImages>;

/** One image by its id: an uploaded one is in no list once others were made of it. */
export function useImage(task: string, image: string) {
  return useQuery({
    queryKey: ["image", image],
    queryFn: async ({ signal }) => {
      const path = { task_id: task, image_id: image };
      return renditions(bodyOf(await api.GET("/api/tasks/{task_id}/images/{image_id}", { params: { path }, signal })));
    },
  });
}

/** Votes with voters: asked for only once an image has ended, for nobody may be led by others' votes. */
export function useVotes(image: string, hasEnded: boolean) {
  return useQuery({
    queryKey: ["votes", image],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/subtasks/{subtask_id}", { params: { path: { subtask_id: image } }, signal })),
    enabled: hasEnded,
  });
}
