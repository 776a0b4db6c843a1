/**
 * Measures how deep a JSON text is nested, without recursion: a megabyte of `[` would overflow the
 * stack.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether arrays and objects are nested more than `levels` deep.
 *
 * @example
 * ```ts
 * import { isDeeper } from "./json_depth.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([isDeeper('[{"a":"[[["}]', 2), isDeeper("[[[]]]", 2)], [false, true]);
 * ```
 *
 * @param json For text that is not JSON the answer means nothing, but takes no longer.
 */
export function isDeeper(json: string, levels: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) {
      quoted = true;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > levels) return true;
    } else if (code === 0x5d || code === 0x7d) {
      depth--;
    }
  }
  return false;
}
