/**
 * The login of a program that Headway is part of: who sends a request is what that says.
 *
 * @module
 */

import { MAX_OWNER, OWNER_PATTERN } from "../task/labels.ts";
import { deadline } from "../base/deadline.ts";
import { HttpError } from "./errors.ts";
import { NOBODY, type Principal } from "./principal.ts";
import { type Scope, SCOPES } from "./tokens.ts";

/** Somebody who is signed in. */
export interface Visitor {
  /** Names them, in 1 to 128 characters: whoever may only `submit` sees what this name submitted. */
  name: string;
  /** What they may do: `read` all tasks, `submit` their own, or as `admin` everything. */
  scope: Scope | readonly Scope[];
  /** Whose tasks they see and make, and no others, whatever their scope; in 1 to 128 characters. */
  owner?: string | undefined;
}

/**
 * Says who sent a request, by its headers; its body is to be left unread. `null` for nobody known. A
 * name alone is short for `{ name, owner: name, scope: "submit" }`: somebody with tasks of their own.
 */
export type Authorize = (
  request: Request,
) => Visitor | string | null | Promise<Visitor | string | null>;

/** Milliseconds in which a login says who asks. */
const LOGIN_MS = 10_000;

/**
 * Has a program's own login say who sent a request.
 *
 * @throws {TypeError} If what it says is not as it should be.
 * @throws {HttpError} 503 if it says nothing in time.
 */
export async function askLogin(
  authorize: Authorize,
  request: Request,
  ms: number = LOGIN_MS,
): Promise<Principal | null> {
  const visitor = await deadline(Promise.resolve(authorize(request)), ms, () => {
    const sentence = "It took too long to find out who is asking: try again in a moment";
    throw new HttpError(503, sentence, { headers: { "retry-after": "1" } });
  });
  return principalOfVisitor(visitor);
}

function principalOfVisitor(visitor: unknown): Principal | null {
  if (visitor === null || visitor === undefined) return null;
  const { name, scope, owner } = typeof visitor === "string"
    ? { name: visitor, owner: visitor, scope: "submit" as const }
    : visitor as Partial<Visitor>;
  // A name is a key of the store, as an owner is.
  if (typeof name !== "string" || !OWNER_PATTERN.test(name)) {
    throw new TypeError(
      `authorize() must return a 'name' of 1 to ${MAX_OWNER} characters, or null`,
    );
  }
  const given: readonly unknown[] = Array.isArray(scope) ? scope : [scope];
  if (given.length === 0 || !given.every((one) => SCOPES.includes(one as Scope))) {
    throw new TypeError(
      `authorize() must return a 'scope' of ${SCOPES.join(", ")}, or several of them`,
    );
  }
  const scopes = SCOPES.filter((one) => given.includes("admin") || given.includes(one));
  if (owner !== undefined && (typeof owner !== "string" || !OWNER_PATTERN.test(owner))) {
    throw new TypeError(
      `authorize() must return an 'owner' of 1 to ${MAX_OWNER} characters, or leave it out`,
    );
  }
  return { ...NOBODY, name, scopes, owner: owner ?? null };
}
