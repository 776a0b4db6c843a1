/**
 * The state of the feed's connection, and since when it is broken.
 *
 * @module
 */

import { computed, effect, signal } from "@preact/signals";
import type { ConnectionState } from "../client/client.d.ts";
import { now } from "./clock.ts";

/** The state of the feed's connection. */
export const connection = signal<ConnectionState["state"]>("idle");

/** When the connection broke, in milliseconds of the server's time; `null` while events arrive. */
export const brokenSince = signal<number | null>(null);

/**
 * The time up to which the page knows the state of tasks: it stands still while the connection is
 * broken. Estimates and running times use it, since a task may have ended meanwhile.
 */
export const knownUntil = computed(() => brokenSince.value ?? now.value);

/** The HTTP status with which the server refuses the stream; `null` while it does not. */
export const refused = signal<number | null>(null);

/** Whether the page has been out of sight for {@link HIDDEN_MS}. It then stops polling. */
export const hidden = signal(false);

const HIDDEN_MS = 30_000;

/** Keeps {@link hidden} up to date, and tells the stylesheet when the page is stale. */
export function startConnection(): void {
  // The stylesheet stops the animations of running tasks: they may have ended.
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

export function onconnection({ state, since, refused: status }: ConnectionState): void {
  connection.value = state;
  refused.value = status;
  if (since === null) brokenSince.value = null;
  else brokenSince.value ??= now.peek() + since - Date.now();
}
