import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "../task/task_state.ts";
import { StatusIcon } from "./icons.tsx";

/** A task's state in words that say what happens next. */
export function statusText(record: TaskRecord): string {
  const { status, cancel_requested, attempt, run_at, updated_at } = record;
  if (cancel_requested && !isFinished(status)) return strings.canceling;
  if (status === "pending" && Date.parse(run_at) > Date.parse(updated_at)) {
    return attempt > 0 ? strings.retrying : strings.scheduled;
  }
  switch (record.waiting_for?.type) {
    case "sleep":
      return strings.asleep;
    case "children":
      return strings.children.underWay;
    case "turn":
      return strings.children.turn;
  }
  return strings.status[status];
}

export function StatusPill({ record }: { record: TaskRecord }): JSX.Element {
  return (
    <span class={`pill status-${record.status}`}>
      <StatusIcon status={record.status} />
      {statusText(record)}
    </span>
  );
}
