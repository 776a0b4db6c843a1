import { haveLabels, type Labels } from "../task/labels.ts";
import type { Status, TaskRecord } from "../task/record.ts";
import type { Head } from "./head.ts";

/** Which tasks are wanted: of this `owner` and `parent_id`, with each of the `tags`, if given. */
export interface TaskFilter extends Labels {
  statuses?: readonly Status[];
  kinds?: readonly string[];
  /** Only tasks that were submitted with the token of this name. */
  submitter?: string;
  /** Only tasks whose id, kind, stage, message or error contains this text, whatever its case. */
  text?: string;
  /** Only tasks older than this id. */
  before?: string;
  /** Only tasks with this id or a newer one. */
  since?: string;
}

/** Returns a function that tells whether a head matches a filter. */
export function matcher(filter: TaskFilter): (head: Head) => boolean {
  const { statuses, kinds, submitter, owner, tags = [], parent_id, text } = filter;
  const some = [statuses, kinds, submitter, owner, parent_id, text].some((it) => it !== undefined);
  if (!some && tags.length === 0) return () => true;
  const wanted = text?.toLowerCase();
  const states = statuses && new Set(statuses);
  const names = kinds && new Set(kinds);
  return (head) => {
    if (submitter !== undefined && head.submitter !== submitter) return false;
    const record = JSON.parse(head.record) as TaskRecord;
    if (states && !states.has(record.status)) return false;
    if (names && !names.has(record.kind)) return false;
    if (!haveLabels(record, filter)) return false;
    if (wanted === undefined) return true;
    const { task_id, kind, stage, message, error } = record;
    return [task_id, kind, stage, message, error?.message]
      .some((field) => field?.toLowerCase().includes(wanted));
  };
}
