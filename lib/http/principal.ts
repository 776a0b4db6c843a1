/**
 * Who asks, and what that opens.
 *
 * @module
 */

import { HttpError } from "./errors.ts";
import type { PageSession } from "./revocations.ts";
import { type Scope, SCOPES } from "./tokens.ts";

/**
 * What a route needs: nothing, any token of the operator, or a scope. Whoever submitted a task may do
 * without some scopes:
 *
 * - `task`: `read`, that task's token, or to have submitted it.
 * - `tasks`: `read`, tokens of all the tasks that are named, or `submit`, which shows their own alone.
 * - `list`: `read`, or `submit`, likewise.
 * - `own`: `admin`, or to have submitted the task.
 */
export type Need = "public" | "any" | "task" | "tasks" | "list" | "own" | Scope;

/** Whose scope opens it without more. */
const SCOPE_OF: Partial<Record<Need, Scope>> = {
  task: "read",
  tasks: "read",
  list: "read",
  own: "admin",
};

export interface Principal {
  /** The token's name; empty when no token is needed, and for a task's token. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The only tasks they may read; `null` for no such limit. */
  readonly taskIds: readonly string[] | null;
  /** Milliseconds since the epoch; `null` for never. */
  readonly expiresAt: number | null;
  /** The page's session that they used; `null` for a token. */
  readonly session: PageSession | null;
}

/** Without a token, at a server that has some. */
export const NOBODY: Principal = {
  name: "",
  scopes: [],
  taskIds: null,
  expiresAt: null,
  session: null,
};

/** Everybody, at a server without tokens. */
export const ANYBODY: Principal = { ...NOBODY, scopes: SCOPES };

/**
 * Refuses a request that may not do what it asks for.
 *
 * @param taskIds The tasks that it names.
 * @throws {HttpError} 401 without credentials, 403 when they do not suffice.
 */
export function permit(
  principal: Principal | null,
  need: Need,
  taskIds: readonly string[] = [],
): Principal {
  if (need === "public") return principal ?? NOBODY;
  if (principal === null) throw unauthorized("This needs a token");
  const { scopes, taskIds: readable } = principal;
  if (readable !== null) {
    const reads = need === "task" || need === "tasks";
    const all = taskIds.length > 0 && taskIds.every((id) => readable.includes(id.toUpperCase()));
    if (reads && all) return principal;
    throw new HttpError(403, "A task's token may only read that task");
  }
  const scope = SCOPE_OF[need] ?? need;
  if (scope === "any" || scopes.includes(scope as Scope) || seesOwn(principal, need)) {
    return principal;
  }
  throw new HttpError(403, `This needs the scope '${scope}', which the token does not have`, {
    extra: { scope },
  });
}

/** Whether a list has only what they submitted themselves. */
export function seesOwn({ scopes }: Principal, need: Need): boolean {
  const lists = need === "list" || need === "tasks";
  return lists && scopes.includes("submit") && !scopes.includes("read");
}

/** Whether they may do it to a task because they submitted it, and for no other reason. */
export function needsOwn({ scopes }: Principal, need: Need): boolean {
  if (need !== "task" && need !== "own") return false;
  return scopes.includes("submit") && !scopes.includes(SCOPE_OF[need]!);
}

export function unauthorized(sentence: string): HttpError {
  return new HttpError(401, sentence, { headers: { "www-authenticate": "Bearer" } });
}
