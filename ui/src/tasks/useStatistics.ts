import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schemas } from "../api/client";
import { isOver, type Task } from "./streams";

const LOOK_EVERY_MS = 20_000;
const FIRST_MS = 1_000;

export type Statistics = Schemas["StatisticsShown"];

/** What a task's results say together; null while they are computed for the first time. Old numbers stay until new come. */
export function useStatistics(task: Task) {
  return useQuery({
    queryKey: ["statistics", task.id],
    queryFn: async ({ signal }): Promise<Statistics | null> =>
      bodyOf(await api.GET("/api/tasks/{task_id}/statistics", { params: { path: { task_id: task.id } }, signal })) ||
      null,
    refetchInterval: ({ state: { data } }) => {
      if (!data || (isOver(task) && !data.is_final)) return FIRST_MS;
      return isOver(task) ? false : LOOK_EVERY_MS;
    },
  });
}

/** A cell of the matrix: what people said, what the detector said, and how often. */
export interface Cell {
  row: number;
  column: number;
  count: number;
}

export function cellsOf(confusion: Statistics["detector"]["confusion"]): Cell[] {
  return confusion.flatMap((row, at) =>
    Array.isArray(row)
      ? row.map((count, column) => ({ row: at, column, count })).filter(({ count }) => count > 0)
      : [row],
  );
}

/** Where people and detector disagree most often, and how often it is the other way round. */
export function mostMistaken(cells: readonly Cell[]): (Cell & { reverse: number }) | null {
  const against = cells.filter(({ row, column }) => row !== column);
  const most = against.toSorted((one, other) => other.count - one.count)[0];
  if (!most) return null;
  const reverse = cells.find(({ row, column }) => row === most.column && column === most.row)?.count ?? 0;
  return { ...most, reverse };
}
