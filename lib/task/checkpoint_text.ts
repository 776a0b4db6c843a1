/**
 * A checkpoint as it is stored: the JSON of what was saved, as in stores of 0.1, or that with the
 * version of the code that saved it.
 *
 * @module
 */

/** What is saved by code without a version begins so only where it is put into an envelope, too. */
const ENVELOPE = '{"~headway":"checkpoint","version":';

export interface StoredCheckpoint {
  /** Of the code that saved it; 0 where that had none. */
  readonly version: number;
  readonly data: unknown;
}

/** What to store of a checkpoint, given as JSON text. */
export function checkpointText(json: string, version: number): string {
  if (version === 0 && !json.startsWith(ENVELOPE)) return json;
  return `${ENVELOPE}${version},"data":${json}}`;
}

export function readCheckpointText(text: string): StoredCheckpoint {
  const value = JSON.parse(text);
  if (text.startsWith(ENVELOPE)) {
    const { version, data } = value as StoredCheckpoint;
    // A task's code can get hold of its process's channel, and store any text.
    if (Number.isSafeInteger(version) && version >= 0 && data !== undefined) {
      return { version, data };
    }
  }
  return { version: 0, data: value };
}
