/**
 * Which chunks of a long log are drawn. The height of a chunk is known only after it was drawn.
 *
 * @module
 */

export interface LogWindow {
  /** The first chunk that is drawn. */
  start: number;
  end: number;
  /** Pixels of the chunks before it. */
  before: number;
  /** Pixels of the chunks from `end` on. */
  after: number;
}

/** The chunks that are at least partly between `top` and `bottom`, and the heights around them. */
export function logWindow(heights: readonly number[], top: number, bottom: number): LogWindow {
  let start = 0;
  let before = 0;
  while (start < heights.length && before + heights[start]! <= top) before += heights[start++]!;
  let end = start;
  let reached = before;
  while (end < heights.length && reached < bottom) reached += heights[end++]!;
  let after = 0;
  for (let n = end; n < heights.length; n++) after += heights[n]!;
  return { start, end, before, after };
}
