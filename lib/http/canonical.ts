/**
 * JSON in one form: two texts are of the same value exactly where their forms are the same, whatever
 * the order of their fields.
 *
 * @module
 */

/** The form of a value that `JSON.parse` gave. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** An object becomes a list of its fields, so a list has to become something else. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return { list: value.map(sorted) };
  // What is too large for a number is read as Infinity, which JSON writes as null.
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
    .map(([name, own]) => [name, sorted(own)]);
}
