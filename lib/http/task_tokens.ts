/**
 * The short-lived tokens that the server signs: for one task, or for the tasks of an owner.
 *
 * @module
 */

import { HttpError } from "./errors.ts";
import { NOBODY, type Principal } from "./principal.ts";
import { signToken, type Subject, useOf, verifyToken } from "./signed_token.ts";
import type { SigningKeys } from "./signing_keys.ts";
import { type Can, CANS } from "./tokens.ts";

/** Most signed tokens in one URL: each costs a signature check. */
const MAX_TOKENS = 100;

export interface TaskTokensOptions {
  keys: Pick<SigningKeys, "task" | "owner">;
  /** Milliseconds that a token is valid. */
  lifeMs: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

export class TaskTokens {
  readonly #options: TaskTokensOptions;

  constructor(options: TaskTokensOptions) {
    this.#options = options;
  }

  /** A token that may do these things with some tasks. */
  async sign(
    subject: Subject,
    can: readonly Can[],
  ): Promise<{ token: string; expiresAt: number }> {
    const { keys, lifeMs, now } = this.#options;
    const [use, sub] = "task" in subject
      ? ["task", subject.task] as const
      : ["owner", subject.owner] as const;
    // Without a claim a token may read: so older versions make and accept them.
    const more = can.join() === "read" ? {} : { can: [...can] };
    return await signToken(keys[use], use, { sub, ...more }, now() + lifeMs);
  }

  /** Several tokens, each for a task, open all of these tasks; a token for an owner must be alone. */
  async read(tokens: readonly string[]): Promise<Principal> {
    if (tokens.length > MAX_TOKENS) {
      throw new HttpError(400, `'token' must be at most ${MAX_TOKENS} tokens`, {
        field: "token",
      });
    }
    const { keys, now } = this.#options;
    const taskIds: string[] = [];
    let can = CANS;
    let expiresAt = Infinity;
    for (const token of tokens) {
      const use = useOf(token);
      const read = await verifyToken(token, use, () => keys[use], now());
      expiresAt = Math.min(expiresAt, read.expiresAt);
      can = can.filter((it) => read.can.includes(it));
      if (use === "task") taskIds.push(read.sub);
      else if (tokens.length === 1) return { ...NOBODY, owner: read.sub, can, expiresAt };
      else {
        throw new HttpError(
          400,
          "'token' must be a single token when it is for the tasks of an owner",
          {
            field: "token",
          },
        );
      }
    }
    return { ...NOBODY, taskIds, can, expiresAt };
  }
}
