import type { TaskRecord } from "headway";
import type { EventRow } from "../helpers/api.ts";

/** The states with which runs of a task began. Changes of state are never trimmed. */
export function startsIn(rows: readonly EventRow[]): TaskRecord[] {
  const states = rows.flatMap(({ event, data }): TaskRecord[] => event === "message" ? [data] : []);
  return states.filter(({ status }, n) =>
    status === "running" && states[n - 1]?.status !== "running"
  );
}
