/** What separates the decimals of a number. */
export type Decimal = "," | ".";

/** Numbers in groups of three digits; a plain space groups them only if decimals follow. */
const GROUPED = {
  ",": /^[+-]?\d{1,3}(?:([.'\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*(?:,\d+)?|(?: \d{3})+,\d+)$/,
  ".": /^[+-]?\d{1,3}(?:([,'\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*(?:\.\d+)?|(?: \d{3})+\.\d+)$/,
};
const WITH_COMMA = /^[+-]?\d+,\d+$/;
const WITH_POINT = /^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$/;
/** May be a thousand or a decimal fraction. */
const EITHER = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/;

/**
 * What separates decimals in a table, if some of its cells can mean only one separator and none the
 * other.
 */
export function decimalOf(cells: Iterable<string>): Decimal | undefined {
  let [commas, points] = [0, 0];
  for (const cell of cells) {
    const text = cell.trim();
    if (!/[.,]\d/.test(text) || EITHER.test(text)) continue;
    if (WITH_COMMA.test(text) || GROUPED[","].test(text)) commas++;
    if (WITH_POINT.test(text) || GROUPED["."].test(text)) points++;
  }
  return commas > 0 === points > 0 ? undefined : commas > 0 ? "," : ".";
}

/**
 * A number as JavaScript writes it, from one with a decimal comma or groups of digits; any other text
 * as it is.
 *
 * @returns `undefined` for a text that would be a number with the other decimal separator.
 */
export function plainNumber(text: string, decimal: Decimal | undefined): string | undefined {
  if (decimal === undefined || text.charCodeAt(0) > 57) return text;
  const comma = decimal === ",";
  if (comma && WITH_COMMA.test(text)) return text.replace(",", ".");
  if (GROUPED[decimal].test(text)) {
    const digits = text.replaceAll(comma ? "." : ",", "").replace(/[^\d+\-.,]/g, "");
    return comma ? digits.replace(",", ".") : digits;
  }
  return comma && WITH_POINT.test(text) ? undefined : text;
}
