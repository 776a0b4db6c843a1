/**
 * The position of a stream over many tasks in the journal, which is the id of each of its events:
 * `epoch-versionstamp`, followed by `.n` for all but the last event of a commit, so that a client
 * that was cut off within a commit resumes within it. Safe as a header without a CORS preflight.
 *
 * @module
 */

export interface Cursor {
  /** Names the store. */
  epoch: string;
  /** Of the commit; empty before the first one. */
  versionstamp: string;
  /** The event's index in the commit; `Infinity` for the last one. */
  index: number;
}

/**
 * A cursor as text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeCursor, parseCursor } from "./cursor.ts";
 *
 * const cursor = { epoch: "x1", versionstamp: "00000000000000020000", index: 3 };
 * assertEquals(makeCursor(cursor), "x1-00000000000000020000.3");
 * assertEquals(parseCursor("x1-00000000000000020000.3"), cursor);
 * assertEquals(parseCursor("nonsense"), null);
 * ```
 */
export function makeCursor({ epoch, versionstamp, index }: Cursor): string {
  const at = `${epoch}-${versionstamp}`;
  return index === Infinity ? at : `${at}.${index}`;
}

/** Parses what a client says it has seen; `null` if it is not a cursor. */
export function parseCursor(text: string): Cursor | null {
  const match = /^([a-z0-9]{1,16})-([0-9a-f]{20})?(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return null;
  const index = match[3] === undefined ? Infinity : Number(match[3]);
  return { epoch: match[1]!, versionstamp: match[2] ?? "", index };
}
