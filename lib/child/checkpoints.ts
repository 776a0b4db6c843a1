/**
 * Checks checkpoints with their task's schema, and migrates those of an older version of its code.
 *
 * @module
 */

import { issueText, validated } from "./check_input.ts";
import { readCheckpointText } from "../task/checkpoint_text.ts";
import type { AnyTask } from "../task/define.ts";

/**
 * Checks what a task saves. Once the signal aborts, its schema is not waited for.
 *
 * @throws {TypeError} If it does not fit the task's schema; the message says where.
 * @throws {unknown} The signal's reason.
 */
export async function checkSaved(
  { checkpoint: schema }: AnyTask,
  data: unknown,
  signal: AbortSignal,
): Promise<void> {
  const result = schema && await validated(schema, data, signal);
  if (result?.issues) {
    throw new TypeError(`Cannot keep ${issueText("checkpoint", result.issues[0])}`);
  }
}

/**
 * The data of a checkpoint for a run; `undefined` for a start from the beginning.
 *
 * @param stored The stored text; `null` for none.
 * @throws {Error} If this code cannot go on from it, or what `migrate` throws.
 */
export async function readCheckpoint(task: AnyTask, stored: string | null): Promise<unknown> {
  if (stored === null) return undefined;
  const { version, data } = readCheckpointText(stored);
  const current = await migrated(task, data, version);
  if (!task.checkpoint || current === undefined) return current;
  const result = await task.checkpoint["~standard"].validate(current);
  if (result.issues) {
    throw cannotGoOn(`it does not fit its schema: ${issueText("checkpoint", result.issues[0])}`);
  }
  return result.value;
}

function migrated(task: AnyTask, data: unknown, from: number): unknown {
  // A definition made by an older version of Headway has none.
  const { version = 0, migrate } = task;
  if (from === version) return data;
  if (from > version) {
    const own = version === 0 ? "code without a version" : `version ${version}`;
    throw cannotGoOn(
      `it was saved by version ${from} of '${task.kind}', and this is ${own}: ` +
        "deploy the newer code again, and retry the task",
    );
  }
  if (migrate) return migrate(data, from);
  const older = from === 0 ? "code without a version" : `version ${from}`;
  throw cannotGoOn(
    `it was saved by ${older}, and this is version ${version} of '${task.kind}': add 'migrate' to its definition`,
  );
}

function cannotGoOn(why: string): Error {
  const error = new Error(`Cannot go on from the checkpoint as ${why}`);
  error.name = "CheckpointError";
  return error;
}
