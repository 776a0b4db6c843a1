/**
 * Submits to a debounced kind: while a task waits, a new submit replaces its input.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { type Circumstances, expect, isLost, missing } from "./expect_answer.ts";
import { holds } from "./invariants.ts";
import type { KnownTask, Reference, Submission } from "./reference.ts";
import { DEBOUNCE_MS, PLAIN } from "./script.ts";
import { NUDGE } from "./shapes.ts";
import type { World } from "./world.ts";

/** `count` submits of a group, at once if `together`, else one after the other. */
export interface DebounceOperation {
  do: "debounce";
  group: number;
  count: number;
  together: boolean;
  /** Their inputs are too large to be stored in the head. */
  large: boolean;
}

/** A submit of a debounced task. */
export interface DebouncedSubmit {
  readonly submission: Submission;
  /** The order in which submits were sent (`asked`), and answered or lost (`over`). */
  readonly asked: number;
  over: number;
  /** The task that took it; `null` if no answer said. */
  id: string | null;
}

/** Sends the submits, and asserts that the answers are right. */
export async function debounce(
  operation: DebounceOperation,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  const { count, together } = operation;
  const send = () => sendOne(operation, reference, world, circumstances);
  if (together) await Promise.all(Array.from({ length: count }, send));
  else for (let n = 0; n < count; n++) await send();
}

async function sendOne(
  { group, large }: DebounceOperation,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  const nonce = reference.nonce();
  const name = `group ${group}`.padEnd(large ? 700 : 0);
  const input = { nonce, ...PLAIN, rows: 2, group: name };
  const submission: Submission = { ...NUDGE, kind: "model-debounced", input };
  const sent: DebouncedSubmit = {
    submission,
    asked: reference.number(),
    over: Infinity,
    id: null,
  };
  reference.debounced.set(nonce, sent);
  const at = reference.now();
  const answer = await world.ask("POST", "/tasks", { body: submission });
  // A submit that was answered with 503 may still be accepted later, so `over` stays open.
  if (answer === null) sent.over = reference.number();
  if (isLost(answer)) return missing("a debounced submit", answer, world, circumstances);
  sent.over = reference.number();
  expect("I28", answer, [200, 201], "a debounced submit");
  const { task_id: id, run_at } = answer.body as unknown as TaskRecord;
  sent.id = id;
  const waits = Date.parse(run_at) >= at + DEBOUNCE_MS;
  holds("I28", waits, () => `${id}, submitted at ${at}, may run at ${run_at}`);
  reference.add(id, submission, { keyed: true });
}

/** Finds the input of a debounced task, which must be the last one that it took. */
export async function resolveDebounced(
  task: KnownTask,
  record: TaskRecord,
  { debounced }: Reference,
  world: World,
): Promise<void> {
  if (record.kind !== "model-debounced") return;
  const { id } = task;
  const { input } = await world.get<{ input: Submission["input"] }>(`/tasks/${id}/details`);
  const sent = debounced.get(input.nonce);
  holds("I28", sent !== undefined, () => `nobody submitted ${id}, ${input.nonce}`);
  task.submission = sent!.submission;
  // A retry of a completed task has the input of that task.
  if (record.retried_from !== undefined) return;
  holds("I28", sent!.id === null || sent!.id === id, () => `${id} has the input of ${sent!.id}`);
  for (const other of debounced.values()) {
    const newer = other.id === id && other.asked > sent!.over;
    holds("I28", !newer, () => {
      const { nonce } = other.submission.input;
      return `${id} has the input ${input.nonce}, and took ${nonce} later`;
    });
  }
}

/** Asserts that at most one task of each group waits for its time. */
export function checkDebounced({ present }: Reference): void {
  const waiting = new Map<string, string>();
  for (const { id, gone, record, submission, asked } of present) {
    if (submission.kind !== "model-debounced" || gone !== false || !record) continue;
    const begun = record.status !== "pending" || record.attempt > 0 || asked.retries > 0;
    if (begun || record.retried_from !== undefined) continue;
    const group = submission.input.group.trimEnd();
    const other = waiting.get(group);
    holds("I28", other === undefined, () => `${id} and ${other} both wait for ${group}`);
    waiting.set(group, id);
  }
}
