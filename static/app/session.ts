/**
 * Whether the page needs a token, and what its session may do: a token may have only some scopes.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** What a token allows: to see all tasks, to submit tasks, to change and delete all of them. */
export type Scope = "read" | "submit" | "admin";

/** Whether a token is needed before anything can be shown. */
export const signedOut = signal(false);

/** Whether there is a session that can be ended here. */
export const signedIn = signal(false);

/** Whether users sign in to the program that Headway is part of, instead of here. */
export const elsewhere = signal(false);

/** The scopes of the session; `null` where no token is needed and everything is allowed. */
export const scopes = signal<readonly string[] | null>(null);

/** Whether the session has this scope. The page does not offer what the server would refuse. */
export function may(scope: Scope): boolean {
  return scopes.value?.includes(scope) ?? true;
}

/** Whether it may change the tasks that it sees: with `submit` alone these are only its own. */
export function mayChange(): boolean {
  return may("admin") || (may("submit") && !may("read"));
}
