/**
 * The login of the program that Headway is part of, which says who sends a request.
 *
 * @module
 */

import { MAX_OWNER, OWNER_PATTERN } from "../task/labels.ts";
import { deadline } from "../base/deadline.ts";
import { HttpError } from "./errors.ts";
import { NOBODY, type Principal } from "./principal.ts";
import { type Scope, SCOPES } from "./tokens.ts";

/** Somebody who is signed in to your program. */
export interface Visitor {
  /** Their name, 1 to 128 characters. Those who may only `submit` see what this name submitted. */
  name: string;
  /** What they may do: `read` all tasks, `submit` their own, or as `admin` everything. */
  scope: Scope | readonly Scope[];
  /** An owner, 1 to 128 characters: they see and make only this one's tasks, whatever the scope. */
  owner?: string | undefined;
}

/**
 * Says who sent a request, by its headers; it must not read the body. `null` stands for nobody
 * known. A string is short for `{ name, owner: name, scope: "submit" }`: somebody with tasks of
 * their own.
 */
export type Authorize = (
  request: Request,
) => Visitor | string | null | Promise<Visitor | string | null>;

/** Milliseconds that a login may take. */
const LOGIN_MS = 10_000;

/**
 * Asks the program's own login who sent a request.
 *
 * @throws {TypeError} If what it returns is invalid.
 * @throws {HttpError} 503 if it does not answer in time.
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
  // A name becomes part of a key in the store, as an owner does.
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
