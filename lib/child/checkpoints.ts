/**
 * Checkpoints against what their task says of them: the schema, and the version of its code.
 *
 * @module
 */

import { readCheckpointText } from "../task/checkpoint_text.ts";
import type { AnyTask } from "../task/define.ts";
import { pathText } from "../task/json_value.ts";
import type { StandardIssue } from "../task/standard_schema.ts";
import { brief, textOf } from "../task/text.ts";

/** Characters of what an issue says. */
const MAX_ISSUE = 1024;

/** @throws {TypeError} If the task's schema does not take what it saves, with the place in it. */
export async function checkSaved(task: AnyTask, data: unknown): Promise<void> {
  const result = await task.checkpoint?.["~standard"].validate(data);
  const issue = result?.issues?.[0];
  if (issue) throw new TypeError(`Cannot keep ${issueText(issue)}`);
}

/**
 * What a run goes on from; `undefined` for a start from the beginning.
 *
 * @param stored As text; `null` for none.
 * @throws {Error} If this code cannot go on from it, or what `migrate` throws.
 */
export async function readCheckpoint(task: AnyTask, stored: string | null): Promise<unknown> {
  if (stored === null) return undefined;
  const { version, data } = readCheckpointText(stored);
  const current = await migrated(task, data, version);
  if (!task.checkpoint || current === undefined) return current;
  const result = await task.checkpoint["~standard"].validate(current);
  const issue = result.issues?.[0];
  if (issue) throw cannotGoOn(`it does not fit its schema: ${issueText(issue)}`);
  return (result as { value: unknown }).value;
}

function migrated(task: AnyTask, data: unknown, from: number): unknown {
  // A definition of an older copy of Headway has none.
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
    `it was saved by ${older}, and this is version ${version} of '${task.kind}': give it 'migrate'`,
  );
}

function cannotGoOn(why: string): Error {
  const error = new Error(`Cannot go on from the checkpoint as ${why}`);
  error.name = "CheckpointError";
  return error;
}

function issueText({ path = [], message }: StandardIssue): string {
  const steps = path.map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "number" ? key : String(key);
  });
  return `${pathText("checkpoint", steps)}: ${brief(textOf(message), MAX_ISSUE)}`;
}
