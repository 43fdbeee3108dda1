/** In which forms a task's results can be had. */
import type { Schemas } from "../api/client";

/** The forms that are made of a detector's objects. */
const OF_OBJECTS: readonly string[] = ["coco", "yolo"];
/** The forms that people train from: with their pictures. */
const WITH_PICTURES: readonly string[] = ["parquet", "coco", "yolo"];

/** The address of each form that there is for a task: one without a detector has no objects. */
export function exportsOf(
  task: { id: string; detector: { mode: Schemas["DetectorPolicy"]["mode"] }; pipeline: object | null },
  forms: readonly string[],
): { form: string; href: string }[] {
  const files = { form: "files", href: `/api/tasks/${encodeURIComponent(task.id)}/files` };
  const exports = forms
    .filter((form) => task.detector.mode !== "off" || !OF_OBJECTS.includes(form))
    .map((form) => {
      const query = new URLSearchParams({ format: form });
      if (WITH_PICTURES.includes(form)) query.set("images", "true");
      return { form, href: `/api/tasks/${encodeURIComponent(task.id)}/export?${query}` };
    });
  return task.pipeline ? [files, ...exports] : exports;
}
