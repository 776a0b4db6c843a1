/**
 * How many tasks there are in each state: asked for when the list is opened, and again when
 * something changed.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import { type Counts, getCounts } from "../app/api.ts";
import { hidden } from "../app/connection.ts";
import { may } from "../app/session.ts";
import { changes } from "./list_store.ts";
import { route } from "../app/route.ts";
import { apiQuery, type Filters, hidesChildren, NO_FILTERS } from "./filters.ts";

/** By state; a count that equals `limit` may be more. `null` until they are known. */
export const counts = signal<Counts | null>(null);

/** Milliseconds between two questions. */
const EVERY_MS = 2000;

/** Keeps {@link counts} while the list is shown; returns how to stop. */
export function watchCounts(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: string | null = null;
  let stopped = false;
  let askedAt = -Infinity;

  async function ask(): Promise<void> {
    const wanted = question(route.peek().filters);
    askedAt = performance.now();
    const answer = await getCounts(wanted).catch(() => null);
    timer = undefined;
    const current = JSON.stringify(wanted) === asked;
    if (!stopped && answer !== null && current) counts.value = answer;
  }

  const stop = effect(() => {
    void changes.value;
    const next = JSON.stringify(question(route.value.filters));
    if (hidden.value || !(may("read") || may("submit"))) return;
    if (next !== asked) {
      asked = next;
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

/** What is counted: the states are counted each, and a text or a time by nobody. */
function question(
  { kind, owner, tags, parent, children, text }: Filters,
): Record<string, string> {
  const hides = hidesChildren({ ...NO_FILTERS, children, kind, parent, text });
  return apiQuery({ ...NO_FILTERS, kind, owner, tags, parent, children: !hides }, 0);
}
