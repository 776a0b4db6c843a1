import { actorOf } from "../lib/http/principal.ts";
import type { Head } from "../lib/kv/head.ts";
import type { TaskRecord } from "../lib/task/record.ts";
import { onlyLabels } from "../lib/task/labels.ts";
import { namedUploads } from "../lib/task/named_uploads.ts";
import type { App, RouteContext } from "./app.ts";
import type { Idempotency } from "./idempotency_key.ts";
import { takeIn } from "./submission.ts";
import { whoseTheirs } from "./theirs.ts";

/**
 * Submits a new task like a completed one, with its settings, its labels and its input, which was
 * validated then. The completed task keeps its result.
 */
export async function runAgain(
  { engine: { heads, store, deliveries } }: App,
  head: Head,
  context: Pick<RouteContext, "principal" | "local" | "request">,
  key: Idempotency | null,
): Promise<{ id: string; record: string; created: boolean }> {
  const record = JSON.parse(head.record) as TaskRecord;
  const { task_id, kind, priority, max_attempts, keys } = record;
  // It is nobody's child: its parent has the result of the old one.
  const { parent_id: _, ...labels } = onlyLabels(record);
  const input = await heads.input(head);
  return await takeIn(store, {
    kind,
    input,
    named: namedUploads(input),
    priority,
    runAt: store.now(),
    maxAttempts: max_attempts,
    timeoutMs: head.timeoutMs,
    retention: head.retention,
    keep: record.keep,
    retriedFrom: task_id,
    notify: head.notify ? await deliveries.targetsOf(task_id) : [],
    ...(keys ? { keys } : {}),
    ...labels,
    ...whoseTheirs(context.principal, record.owner),
    by: actorOf(context),
    ...(key === null ? {} : { idempotency: key }),
  }, context.request);
}
