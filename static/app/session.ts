/**
 * Whether the page may ask, and for what: some servers want a token first, and not every token
 * opens everything.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** What a token may open: see tasks, make them, change and delete all of them. */
export type Scope = "read" | "submit" | "admin";

/** A token is needed before anything can be shown. */
export const signedOut = signal(false);

/** There is a session that could be ended. */
export const signedIn = signal(false);

/** People sign in to the program that the page is part of, not here. */
export const elsewhere = signal(false);

/** What the session may do; `null` where no token is needed, and everything is open. */
export const scopes = signal<readonly string[] | null>(null);

/** Whether the session may do this. What it may not do is not offered. */
export function may(scope: Scope): boolean {
  return scopes.value?.includes(scope) ?? true;
}

/** Whether it may change a task that it sees: any, or only those that it has made. */
export function mayChange(): boolean {
  return may("admin") || (may("submit") && !may("read"));
}
