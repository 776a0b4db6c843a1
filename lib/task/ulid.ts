/** The pattern of an id. A client may send anything: check an id before it goes into a key. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The next id: no other sorts between the two. */
export function idBehind(id: string): string {
  const counted = id.replace(/Z+$/, "");
  const next = DIGITS[DIGITS.indexOf(counted.at(-1)!) + 1]!;
  return (counted.slice(0, -1) + next).padEnd(id.length, "0");
}
