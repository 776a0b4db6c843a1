/**
 * The sessions of one token that were ended early, as a value that only grows: two of them merge
 * into one, in any order and any number of times.
 *
 * @module
 */

/** Ids are ULIDs, so they sort by when a session started. */
export interface Revoked {
  /** A bound: every session up to this id was ended, in place of those too many to list. */
  readonly before: string;
  /** Other sessions that were ended, and when each would have expired, milliseconds since the epoch. */
  readonly ids: Readonly<Record<string, number>>;
}

export const NONE: Revoked = { before: "", ids: {} };

/** The most sessions listed for a token: about 40 bytes each in a value of KV, which holds 64 KiB. */
export const MAX_IDS = 1000;

export function isRevoked({ before, ids }: Revoked, id: string): boolean {
  return id <= before || Object.hasOwn(ids, id);
}

/**
 * The sessions of both, without those that have expired. Beyond {@link MAX_IDS} the older half becomes
 * a bound. That ends other sessions of that age, too, so that no ended session comes back: their users
 * sign in again.
 */
export function merged(one: Revoked, other: Revoked, now: number): Revoked {
  const before = one.before > other.before ? one.before : other.before;
  const ids = Object.entries({ ...one.ids, ...other.ids })
    .filter(([id, expiresAt]) => id > before && expiresAt > now)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const over = ids.length > MAX_IDS ? ids.length - MAX_IDS / 2 : 0;
  return { before: ids[over - 1]?.[0] ?? before, ids: Object.fromEntries(ids.slice(over)) };
}
