/**
 * The list of artifacts in a task's record. Each message about the task carries it, so it is short.
 *
 * @module
 */

import type { ArtifactRecord, TaskRecord } from "./record.ts";
import { byteLength } from "./byte_length.ts";

/** The most artifacts of a task, and the most characters of a name and of a media type. */
export const MAX_ARTIFACTS = 100;
export const MAX_ARTIFACT_NAME = 128;
export const MAX_ARTIFACT_TYPE = 128;

/** Bytes of JSON that a record's list may take: about 90 artifacts with names of 16 characters. */
export const MAX_ARTIFACT_LIST = 6 * 1024;

/** Bytes of an artifact that are sent and stored at once: four chunks of the store. */
export const ARTIFACT_BLOCK = 4 * 60 * 1024;

/** The name of the artifact that holds a result too large for the record. */
export const RESULT_NAME = "result.json";

/** Bytes of JSON that a result may have: its task holds all of it in memory. */
export const MAX_RESULT = 64 * 1024 * 1024;

/** A name that any file system takes: not a path, not hidden, without invisible characters. */
export const ARTIFACT_NAME = /^(?![. ])(?!.*[. ]$)[^\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]{1,128}$/u;

/** A media type, with its parameters. */
export const ARTIFACT_TYPE =
  /^(?=.{3,128}$)[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=(?:[\w.+-]+|"[\w.+ -]*"))*$/;

/** A record with an artifact added, or replaced by name; its `seq` stays last. */
export function withArtifact(record: TaskRecord, artifact: ArtifactRecord): TaskRecord {
  const { seq, artifacts: _, ...rest } = record;
  return { ...rest, artifacts: listWith(record.artifacts, artifact), seq };
}

/** The record of a completed task with a `result_url`, if it has the artifact of a large result. */
export function withResultUrl(record: TaskRecord): TaskRecord {
  const { seq, ...rest } = record;
  if (!record.artifacts?.some(({ name }) => name === RESULT_NAME)) return record;
  return { ...rest, result_url: `tasks/${record.task_id}/artifacts/${RESULT_NAME}`, seq };
}

/** Why a record cannot list this artifact; `null` if it can. */
export function listProblem(
  { artifacts = [] }: TaskRecord,
  artifact: ArtifactRecord,
  most: number = MAX_ARTIFACTS,
): string | null {
  const list = listWith(artifacts, artifact);
  if (list.length > artifacts.length && list.length > most) {
    return `a task has at most ${most} artifacts`;
  }
  const bytes = byteLength(JSON.stringify(list));
  if (bytes <= MAX_ARTIFACT_LIST) return null;
  return `the names and types of a task's artifacts take at most ${MAX_ARTIFACT_LIST} bytes of JSON, ` +
    `which ${artifacts.length} of them nearly do: have fewer, or shorter names`;
}

/** The list with an artifact, in the position of the one whose name it has, else at the end. */
function listWith(
  artifacts: readonly ArtifactRecord[] = [],
  { name, size, type }: ArtifactRecord,
): ArtifactRecord[] {
  const artifact = { name, size, type };
  const at = artifacts.findIndex((it) => it.name === name);
  return at < 0 ? [...artifacts, artifact] : artifacts.with(at, artifact);
}
