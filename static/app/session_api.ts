/**
 * Signs in and out, and reads the session.
 *
 * @module
 */

import { call } from "./api.ts";
import { elsewhere, scopes as granted, signedIn, signedOut } from "./session.ts";

export async function signIn(token: string): Promise<void> {
  await call("POST", "/login", { token });
  await readSession();
}

export async function signOut(): Promise<void> {
  try {
    await call("POST", "/logout");
  } finally {
    await readSession();
  }
}

/** Asks the server for the session. Resolves to whether the page may show anything. */
export async function readSession(): Promise<boolean> {
  takeSession(await call("GET", "/login"));
  return !signedOut.value;
}

/** The response of `GET /login`. */
export interface Session {
  /** Whether anything needs a token. */
  readonly required: boolean;
  readonly scopes: readonly string[];
  /** Whether users sign in to the program that Headway is part of. */
  readonly elsewhere?: boolean;
}

export function takeSession({ required, scopes, elsewhere: outside = false }: Session): void {
  elsewhere.value = outside;
  signedOut.value = required && scopes.length === 0;
  signedIn.value = required && scopes.length > 0 && !outside;
  granted.value = required ? scopes : null;
}
