/**
 * The login of a program that Headway is part of: who sends a request is what that says.
 *
 * @module
 */

import { MAX_OWNER, OWNER_PATTERN } from "../task/labels.ts";
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

/** Says who sent a request, by its headers; its body is to be left unread. `null` for nobody known. */
export type Authorize = (request: Request) => Visitor | null | Promise<Visitor | null>;

/**
 * Checks what a program's own login said.
 *
 * @throws {TypeError} If it is not as it should be.
 */
export function principalOfVisitor(visitor: unknown): Principal | null {
  if (visitor === null || visitor === undefined) return null;
  const { name, scope, owner } = visitor as Partial<Visitor>;
  // A name is a key of the store, as an owner is.
  if (typeof name !== "string" || !OWNER_PATTERN.test(name)) {
    throw new TypeError(`authorize() must give a 'name' of 1 to ${MAX_OWNER} characters, or null`);
  }
  const given: readonly unknown[] = Array.isArray(scope) ? scope : [scope];
  if (given.length === 0 || !given.every((one) => SCOPES.includes(one as Scope))) {
    throw new TypeError(`authorize() must give a 'scope' of ${SCOPES.join(", ")}, or several`);
  }
  const scopes = SCOPES.filter((one) => given.includes("admin") || given.includes(one));
  if (owner !== undefined && (typeof owner !== "string" || !OWNER_PATTERN.test(owner))) {
    throw new TypeError(
      `authorize() must give an 'owner' of 1 to ${MAX_OWNER} characters, or leave it out`,
    );
  }
  return { ...NOBODY, name, scopes, owner: owner ?? null };
}
