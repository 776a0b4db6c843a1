import { isInside } from "../lib/http/principal.ts";
import { json, pathId } from "../lib/http/http.ts";
import { readCheckpointText } from "../lib/task/checkpoint_text.ts";
import type { TaskRecord } from "../lib/task/record.ts";
import type { Head } from "../lib/kv/head.ts";
import { NOBODY, whyNobodyRuns } from "../lib/kv/told_kinds.ts";
import { expectedStart } from "./expected_start.ts";
import { waitsFor } from "./waits_for.ts";
import type { App, RouteContext } from "./app.ts";
import { requireTask } from "./task.ts";

/** The last position in the queue that is counted to. */
const MAX_POSITION = 1000;

/**
 * `GET /tasks/{id}/details`: what a record leaves out, since it changes seldom or is large: input,
 * checkpoint, who runs the task and when that process last showed a sign of life, its place among
 * those of its kind that wait, when it is likely to start, and how far it was at which time. `status` is what all of it is
 * about: the stream may tell of another by then.
 */
export async function getDetails(
  app: App,
  { params, principal }: RouteContext,
): Promise<Response> {
  const id = pathId(params.id, "task");
  const stored = await requireTask(app, id);
  const { engine, engine: { heads, store } } = app;
  const record = JSON.parse(stored.record) as TaskRecord;
  const waits = record.status === "pending";
  const unavailable = waits ? whyNobodyRuns(record.kind, await engine.modules()) : null;
  const isQueued = waits && unavailable === null;
  if (waits) await engine.pauses.read();
  const paused = waits && engine.pauses.get(record.kind) !== undefined;
  const now = store.now();
  const position = isQueued ? await heads.queuePosition(record, now, MAX_POSITION) : null;
  const [input, checkpoint, worker, signalSchema, expected] = await Promise.all([
    heads.input(stored),
    heads.checkpoint(id),
    readWorker(app, stored),
    readSignalSchema(app, record),
    isQueued && !paused
      ? expectedStart(heads, record, now, { position, most: MAX_POSITION })
      : null,
  ]);
  return json({
    task_id: id,
    status: record.status,
    input: parsed(input),
    checkpoint: checkpoint === null ? null : readCheckpointText(checkpoint).data,
    timeout_ms: stored.timeoutMs,
    interruptions: stored.interruptions,
    webhooks: (stored.notify ?? []).length,
    // Those outside, with a task's token or their own task, see that it is alive, not where.
    worker: worker && !isInside(principal) ? { silent_ms: worker.silent_ms } : worker,
    lease_ms: app.config.leaseMs,
    // Why is for those inside.
    unavailable: unavailable && !isInside(principal) ? NOBODY : unavailable,
    waits_for: waits
      ? await waitsFor(app, record, { inside: isInside(principal), now, expected })
      : null,
    signal_schema: signalSchema,
    queue_position: position,
    expected_start: expected,
    trace: shownTrace(stored, record),
    // Stacks tell of the code.
    stack: record.error !== null && isInside(principal) && principal.scopes.includes("admin")
      ? stored.stack ?? null
      : null,
  });
}

/** What the signal that a task waits for has to bring, as far as JSON Schema tells. */
async function readSignalSchema({ engine }: App, { task_id, waiting_for }: TaskRecord) {
  if (waiting_for?.type !== "signal") return null;
  const answer = await engine.store.answer(task_id, waiting_for.name);
  return answer?.done === false ? parsed(answer.json) : null;
}

/** The points and stages of the attempt under way, or of the last one. */
function shownTrace({ trace }: Head, { attempt }: TaskRecord) {
  if (!trace || attempt === 0) return null;
  const { points, stages } = trace;
  return { attempt, points, stages };
}

/** The process that runs a task, and how long it has been silent as far as this one can tell. */
async function readWorker(app: App, { owner }: Head) {
  if (owner === null) return null;
  const { engine } = app;
  const session = await engine.sessionOf(owner);
  if (session === null) return null;
  const { host, pid, role } = session;
  return { session: owner, host, pid, role, silent_ms: engine.silenceOf(owner) };
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
