/**
 * A checkpoint as it is stored: the JSON of what was saved, as in stores of 0.1, or that with the
 * version of the code that saved it.
 *
 * @module
 */

/** A checkpoint without a version gets an envelope, too, if its own text begins like this. */
const ENVELOPE = '{"~headway":"checkpoint","version":';

export interface StoredCheckpoint {
  /** The version of the code that saved it; 0 for code without one. */
  readonly version: number;
  readonly data: unknown;
}

/** The text to store for a checkpoint, which is given as JSON text. */
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
