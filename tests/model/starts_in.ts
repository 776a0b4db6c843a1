import type { TaskRecord } from "headway";
import type { EventRow } from "../helpers/api.ts";

/** The records with which a task's runs began. Changes of state are never trimmed. */
export function startsIn(rows: readonly EventRow[]): TaskRecord[] {
  const states = rows.flatMap(({ event, data }): TaskRecord[] => event === "message" ? [data] : []);
  return states.filter(({ status }, n) =>
    status === "running" && states[n - 1]?.status !== "running"
  );
}
