import { isFinished, type TaskRecord } from "../../lib/task/record.ts";
import type { Api } from "../run/api.ts";
import { watch } from "../run/watch.ts";

export interface AwaitOptions {
  /** Milliseconds after which it is no longer waited for. */
  ms: number;
  /** Stops the wait, and nothing else: the task goes on. */
  signal: AbortSignal;
  /** Told how it is. */
  onprogress(record: TaskRecord): void;
}

/**
 * Waits for a task to end, or for somebody: a task that waits for a signal may do so for days.
 *
 * @returns How it is then.
 * @throws The signal's reason.
 */
export async function awaitTask(
  api: Api,
  id: string,
  { ms, signal, onprogress }: AwaitOptions,
): Promise<TaskRecord> {
  const enough = AbortSignal.timeout(ms);
  try {
    const events = watch(api, id, () => {}, AbortSignal.any([signal, enough]));
    while (true) {
      const { done, value } = await events.next();
      if (done) return value;
      if (value.event !== "message") continue;
      onprogress(value.data);
      if (needsSomebody(value.data)) {
        await events.return(undefined as never);
        break;
      }
    }
  } catch (error) {
    if (!enough.aborted || signal.aborted) throw error;
  }
  return await api.task(id);
}

export function needsSomebody({ waiting_for }: TaskRecord): boolean {
  return waiting_for?.type === "signal";
}

/** What a model is to do about a task that has not ended; `null` about one that has. */
export function whatNext(record: TaskRecord): string | null {
  const { task_id, status, waiting_for } = record;
  if (isFinished(status)) return null;
  if (needsSomebody(record)) {
    return `It waits for the signal '${waiting_for!.name}': call send_signal with id ${task_id}, ` +
      `this name and what 'signal_schema' describes as body; then watch_task`;
  }
  return `It has not ended: call watch_task with id ${task_id} to wait on, cancel_task to stop it`;
}
