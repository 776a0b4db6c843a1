/**
 * How many tasks there are in each state: asked for when the list is opened, and again when
 * something changed.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import type { Status } from "../../lib/task/record.ts";
import { getCounts } from "../app/api.ts";
import { hidden } from "../app/connection.ts";
import { may } from "../app/session.ts";
import { changes } from "./list_store.ts";
import { route } from "../app/route.ts";

/** By state; a count that equals `limit` may be more. `null` until they are known. */
export const counts = signal<Record<Status | "limit", number> | null>(null);

/** Milliseconds between two questions. */
const EVERY_MS = 2000;

/** Keeps {@link counts} while the list is shown; returns how to stop. */
export function watchCounts(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let kind: string | null = null;
  let stopped = false;
  let askedAt = -Infinity;

  async function ask(): Promise<void> {
    const wanted = route.peek().filters.kind;
    askedAt = performance.now();
    const answer = await getCounts(wanted).catch(() => null);
    timer = undefined;
    if (!stopped && answer !== null && wanted === kind) counts.value = answer;
  }

  const stop = effect(() => {
    void changes.value;
    const next = route.value.filters.kind;
    // Who sees only their own tasks may not count all of them.
    if (hidden.value || !may("read")) return;
    if (next !== kind) {
      kind = next;
      clearTimeout(timer);
      timer = undefined;
      askedAt = -Infinity;
    }
    timer ??= setTimeout(() => void ask(), Math.max(0, askedAt + EVERY_MS - performance.now()));
  });
  return () => {
    stopped = true;
    stop();
    clearTimeout(timer);
  };
}
