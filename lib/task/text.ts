/**
 * Texts from users' code: made of anything, and bounded.
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

/** A noun with its article, as "an Error". */
export function withArticle(noun: string): string {
  return `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
}
