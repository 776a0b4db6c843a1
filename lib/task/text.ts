/**
 * Text from clients and from users' code: made from any value, and bounded in length.
 *
 * @module
 */

/** Any value as text; its type if it cannot be converted. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/**
 * Cuts a text to `length` characters, and its JSON to twice as many: control characters take six
 * characters of JSON each, and a record of such texts would not fit into KV.
 */
export function brief(text: string, length: number): string {
  if (text.length <= length / 3) return text;
  const whole = cut(text, length);
  return JSON.stringify(whole).length > 2 * length + 2 ? cut(text, Math.floor(length / 3)) : whole;
}

/** Cuts a text to `length` characters, never inside a surrogate pair; a cut text ends with `…`. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = length - 1;
  if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
  return `${text.slice(0, end)}…`;
}

/**
 * The pattern of names, labels and reasons: 1 to `max` characters, none of them a control character
 * or half of a surrogate pair, as they appear in single lines of logs and lists, and in keys.
 *
 * @param without Further characters that are not allowed.
 */
export function plainText(max: number, without = ""): RegExp {
  return new RegExp(`^[^\\p{Cc}\\p{Cs}${without}]{1,${max}}$`, "u");
}

/** The most characters of the reason for a pause. */
export const MAX_REASON = 500;

export const REASON_PATTERN: RegExp = plainText(MAX_REASON);

/** The most characters of an upload's file name. */
export const MAX_FILE_NAME = 255;

/** A noun with its article, such as "an Error". */
export function withArticle(noun: string): string {
  return `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
}
