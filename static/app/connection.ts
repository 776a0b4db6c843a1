/**
 * Whether the page is fed, and since when it is not.
 *
 * @module
 */

import { computed, effect, signal } from "@preact/signals";
import type { ConnectionState } from "../client/client.d.ts";
import { now } from "./clock.ts";

/** Whether events come. */
export const connection = signal<ConnectionState["state"]>("idle");

/** Since when what is shown may be old; `null` while it is not. The server's time, milliseconds. */
export const brokenSince = signal<number | null>(null);

/**
 * The time up to which the page knows how tasks stand: it stands still while nobody can be asked.
 * Estimates and running times go by it, so that nothing is counted on that may have ended.
 */
export const knownUntil = computed(() => brokenSince.value ?? now.value);

/** What the server answered instead of events, last; `null` while it does not refuse. */
export const refused = signal<number | null>(null);

/** Nobody has looked at the page for a while. */
export const hidden = signal(false);

/** Milliseconds after which a hidden page stops asking. */
const HIDDEN_MS = 30_000;

/** Watches whether the page is seen. */
export function startConnection(): void {
  // The style stops every animation that may stop.
  effect(() => {
    document.documentElement.toggleAttribute("data-stale", brokenSince.value !== null);
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") hidden.value = false;
    else timer = setTimeout(() => hidden.value = true, HIDDEN_MS);
  });
}

/** Takes in how the feed's connection stands. */
export function onconnection({ state, since, refused: status }: ConnectionState): void {
  connection.value = state;
  refused.value = status;
  if (since === null) brokenSince.value = null;
  else brokenSince.value ??= now.peek() + since - Date.now();
}
