/**
 * Parses JSON, and refuses numbers that would change. `JSON.parse` reads `9007199254740993` as
 * `…992` and `1e400` as `Infinity`, which is written as `null`: two ids would become one, and a
 * number `null`, without anybody being told.
 *
 * @module
 */

/** A number that JSON cannot hold exactly as it was written. */
export class InexactNumberError extends Error {
  override name = "InexactNumberError";

  /**
   * @param path Where the number is: names of fields and indexes in lists.
   * @param source The number as it was written.
   */
  constructor(readonly path: readonly string[], source: string) {
    const shown = source.length > 40 ? `${source.slice(0, 40)}…` : source;
    super(`is ${shown}, which a JSON number cannot hold exactly: send it as text`);
  }
}

/** From here on not every whole number has a double of its own. */
const LARGE = 2 ** 53;

/** A zero as text; any other number that is parsed as 0 is lost. */
const ZERO = /^[-0.]+(?:[eE]|$)/;

/** Matches a number that might change: one of 16 or more characters, or with an exponent. */
const SUSPICIOUS = /(?:^|[[:,\s])-?(?:\d[\d.]{15}|\d[\d.]*[eE])/;

/**
 * Parses JSON. Decimals below 2^53 may be rounded to the nearest double, as everywhere; larger
 * numbers must come out with the same digits when they are written again.
 *
 * @throws {SyntaxError} If it is not JSON.
 * @throws {InexactNumberError} If a number is too large to be exact, or so small that it becomes 0.
 */
export function parseExact(text: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text);
  let found: { holder: object; key: string; source: string } | undefined;
  // The third argument is standard, but not yet in TypeScript's declarations.
  function note(this: object, key: string, value: unknown, context?: { source?: string }) {
    const source = context?.source;
    if (typeof value === "number" && source !== undefined && !isKept(value, source)) {
      found ??= { holder: this, key, source };
    }
    return value;
  }
  const value = JSON.parse(text, note);
  if (!found) return value;
  const { holder, key, source } = found;
  throw new InexactNumberError(
    [...pathTo(holder, value) ?? [], ...(key === "" ? [] : [key])],
    source,
  );
}

function isKept(value: number, source: string): boolean {
  if (value === 0) return ZERO.test(source);
  if (Math.abs(value) < LARGE) return true;
  if (!Number.isFinite(value)) return false;
  return digitsOf(source) === digitsOf(JSON.stringify(value));
}

/** The normal form of a number: its digits without leading and trailing zeros, and an exponent. */
function digitsOf(source: string): string {
  const [, whole = "", part = "", exponent = "0"] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
    .exec(source)!;
  const digits = (whole + part).replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return `${short}e${
    BigInt(exponent) - BigInt(part.length) + BigInt(digits.length - short.length)
  }`;
}

/** The path of `holder` within `value`. The caller bounds how deep `value` may be nested. */
function pathTo(holder: object, value: unknown): string[] | null {
  if (value === holder) return [];
  if (typeof value !== "object" || value === null) return null;
  for (const [name, own] of Object.entries(value)) {
    const path = pathTo(holder, own);
    if (path) return [name, ...path];
  }
  return null;
}
