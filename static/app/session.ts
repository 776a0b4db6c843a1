/**
 * Whether the page may ask: some servers want a token first.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** A token is needed before anything can be shown. */
export const signedOut = signal(false);

/** There is a session that could be ended. */
export const signedIn = signal(false);
