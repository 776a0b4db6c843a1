import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { tookTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { task } from "./task_store.ts";
import { firstStart } from "./timeline.ts";

/** The time from the first start to the end; nothing for a task that never ran. */
export function Took({ record }: { record: TaskRecord }): JSX.Element | null {
  const { started_at, finished_at } = record;
  if (started_at === null || finished_at === null) return null;
  const start = firstStart(task.value.states, record);
  const time = tookTime(Date.parse(finished_at) - (start ?? Date.parse(started_at)));
  return <span class="took">{start === null ? strings.lastTook(time) : strings.took(time)}</span>;
}
