/**
 * The sessions of one token that were ended before their time, as a value that only grows: two of
 * them merge into one in any order, however often.
 *
 * @module
 */

/** See the module. Ids are ULIDs, so that they sort by when a session began. */
export interface Revoked {
  /** Every session up to this id is over: it stands for those that were too many to list. */
  readonly before: string;
  /** The others that are over, and when each would have expired: milliseconds since the epoch. */
  readonly ids: Readonly<Record<string, number>>;
}

/** None. */
export const NONE: Revoked = { before: "", ids: {} };

/** Sessions listed for a token: some 40 bytes each in a value of KV, which takes 64 KiB. */
export const MAX_IDS = 1000;

/** Whether a session is among them. */
export function isRevoked({ before, ids }: Revoked, id: string): boolean {
  return id <= before || Object.hasOwn(ids, id);
}

/**
 * Those of both, without what has expired by itself. Past {@link MAX_IDS} the older half becomes one
 * bound, which also ends the sessions of that age which nobody ended: signing in again is all it
 * costs, and no ended session comes back.
 */
export function merged(one: Revoked, other: Revoked, now: number): Revoked {
  const before = one.before > other.before ? one.before : other.before;
  const ids = Object.entries({ ...one.ids, ...other.ids })
    .filter(([id, expiresAt]) => id > before && expiresAt > now)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const over = ids.length > MAX_IDS ? ids.length - MAX_IDS / 2 : 0;
  return { before: ids[over - 1]?.[0] ?? before, ids: Object.fromEntries(ids.slice(over)) };
}
