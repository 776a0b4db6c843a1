/** What an id looks like. What a client gives for one may be anything: check it before it goes into a key. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The very next id: nothing is between the two. */
export function idBehind(id: string): string {
  const counted = id.replace(/Z+$/, "");
  const next = DIGITS[DIGITS.indexOf(counted.at(-1)!) + 1]!;
  return (counted.slice(0, -1) + next).padEnd(id.length, "0");
}
