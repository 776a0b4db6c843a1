/**
 * Whether the page is fed, and since when it is not. {@link reopen} asks for a new connection.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { now, startClock } from "./clock.ts";
import type { Connection } from "./live.ts";

/** Whether events come. */
export const connection = signal<Connection>("idle");

/** Since when they do not; `null` while they do. The server's time, milliseconds. */
export const brokenSince = signal<number | null>(null);

/** Nobody has looked at the page for a while. */
export const hidden = signal(false);

/** Counts up to open the stream anew: after sleep, a new network, a retry. */
export const revision = signal(0);

/** Milliseconds after which a hidden list lets go of its connection: other tabs may need it. */
const HIDDEN_MS = 30_000;

/** Watches the machine's sleep, its network, and whether the page is seen. */
export function startConnection(): void {
  startClock(reopen);
  addEventListener("online", reopen);
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") hidden.value = false;
    else timer = setTimeout(() => hidden.value = true, HIDDEN_MS);
  });
}

/** Opens the stream anew, where it was: the connection may be dead without anybody knowing. */
export function reopen(): void {
  revision.value++;
}

/** Takes in how the connection changed. */
export function onconnection(next: Connection): void {
  connection.value = next;
  if (next === "waiting") brokenSince.value ??= now.peek();
  else if (next !== "connecting") brokenSince.value = null;
}
