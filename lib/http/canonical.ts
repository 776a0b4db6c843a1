/**
 * A canonical form of JSON: two values are equal exactly if their forms are, whatever the order of
 * their fields.
 *
 * @module
 */

/** @param value From `JSON.parse`. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** An object becomes a sorted list of its fields, so a list becomes an object instead. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return { list: value.map(sorted) };
  // JSON.parse reads a number that is too large as Infinity, which JSON.stringify writes as null.
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
    .map(([name, own]) => [name, sorted(own)]);
}
