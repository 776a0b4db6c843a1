/**
 * Text from clients and from users' code: made from any value, and bounded in length.
 *
 * @module
 */

/** Any value as text; some objects cannot even be made that. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/**
 * Cuts a text to so many characters, and to no more than twice as many of JSON: one of control
 * characters would take six times its length, and a record of such texts would not fit into KV.
 */
export function brief(text: string, length: number): string {
  if (text.length <= length / 3) return text;
  const whole = cut(text, length);
  return JSON.stringify(whole).length > 2 * length + 2 ? cut(text, Math.floor(length / 3)) : whole;
}

/** Cuts a text to so many characters, never inside a surrogate pair, and marks that it did. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = length - 1;
  if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
  return `${text.slice(0, end)}…`;
}

/**
 * What a name, a label or a reason may be, whoever sets it: 1 to `max` characters, none of them a
 * control character or half of a surrogate pair. It stands in one line of logs, lists and keys.
 *
 * @param without Further characters that it must not have.
 */
export function plainText(max: number, without = ""): RegExp {
  return new RegExp(`^[^\\p{Cc}\\p{Cs}${without}]{1,${max}}$`, "u");
}

/** Characters of a reason for a pause. */
export const MAX_REASON = 500;

export const REASON_PATTERN: RegExp = plainText(MAX_REASON);

/** Characters of an upload's name. */
export const MAX_FILE_NAME = 255;

/** A noun with its article, as "an Error". */
export function withArticle(noun: string): string {
  return `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
}
