import { withLast } from "./json_text.ts";
import { onlyLabels } from "./labels.ts";
import type { TaskRecord } from "./record.ts";

/** The data of a `complete` event. */
export function completeJson(record: TaskRecord, resultJson: string | null): string {
  const { task_id, status, error, result_url } = record;
  const head = JSON.stringify({
    task_id,
    status,
    ...onlyLabels(record),
    ...(error === null ? {} : { error }),
    ...(result_url === undefined ? {} : { result_url }),
  });
  return withLast(head, "result", resultJson ?? "null");
}
