/**
 * Makes untrusted text safe for a terminal: the text of a task may hold anything, and an escape
 * sequence could clear the screen, set its title or type for the person at it.
 *
 * @module
 */

/** C0, DEL, C1, the separators that end a line, and what turns the direction of writing. */
// deno-lint-ignore no-control-regex -- they are what it looks for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Two cells in every terminal, or in some: to count too many leaves a gap, too few wraps. */
const WIDE =
  /\p{Emoji_Presentation}|\p{Extended_Pictographic}|\p{Regional_Indicator}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18fff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;

/** No cell: they join what stands before them. */
const NARROWEST = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** One line without control characters: white space is a space, others show as pictures (␛). */
export function cleanLine(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    if (/\s/.test(character)) return " ";
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** {@link cleanLine} for each line; those after the first are set in, so that none can pose. */
export function cleanText(text: string): string {
  return text.split(/\r\n|\r|\n/).map(cleanLine).join("\n    ");
}

/** JSON on one line whose control characters are all escaped: `JSON.stringify` lets some pass. */
export function cleanJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return character; // of the indent: those within text are escaped
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** How many cells of a terminal a text takes, at most. */
export function cells(text: string): number {
  let count = 0;
  for (const character of text) {
    if (character === "\ufe0f") count++; // the emoji's form of what stands before it
    else if (!NARROWEST.test(character)) count += WIDE.test(character) ? 2 : 1;
  }
  return count;
}

/** As much of a text as fits into `width` cells, with an ellipsis where it was cut. */
export function cut(text: string, width: number): string {
  if (cells(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += cells(segment);
    if (used > width) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}
