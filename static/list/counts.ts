/**
 * How many tasks are in each state: loaded when the list is opened, and again after changes.
 *
 * @module
 */

import { computed, effect, signal } from "@preact/signals";
import { type Counts, getCounts } from "./list_api.ts";
import { hidden } from "../app/connection.ts";
import { may } from "../app/session.ts";
import { changes } from "./list_store.ts";
import { route } from "../app/route.ts";
import { apiQuery, type Filters, hiddenCount, hidesChildren, NO_FILTERS } from "./filters.ts";

/** Tasks by state, where a count that equals `limit` may be more; `null` until they are loaded. */
export const counts = signal<Counts | null>(null);

/** The counts with all children, loaded only if a state is picked and children are hidden. */
const withChildren = signal<Counts | null>(null);

/** How many hidden children are in the picked states; `null` if none, or not known. */
export const hiddenChildren = computed(() => {
  const [shown, all, { filters }] = [counts.value, withChildren.value, route.value];
  if (shown === null || all === null || !asksForHidden(filters)) return null;
  return hiddenCount(shown, all, filters.statuses);
});

/** Milliseconds between two requests, at least. */
const EVERY_MS = 2000;

/** Keeps {@link counts} up to date until the returned function is called. */
export function watchCounts(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: string | null = null;
  let stopped = false;
  let askedAt = -Infinity;

  async function ask(): Promise<void> {
    const wanted = questions(route.peek().filters);
    askedAt = performance.now();
    const answers = await Promise.all(wanted.map(getCounts)).catch(() => null);
    timer = undefined;
    if (stopped || answers === null || JSON.stringify(wanted) !== asked) return;
    counts.value = answers[0]!;
    withChildren.value = answers[1] ?? null;
  }

  const stop = effect(() => {
    void changes.value;
    const next = JSON.stringify(questions(route.value.filters));
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

/** The queries to count. The server counts each state, and cannot count by text or time. */
function questions(filters: Filters): Record<string, string>[] {
  const { kind, owner, tags, parent } = filters;
  const wanted = { ...NO_FILTERS, kind, owner, tags, parent, children: !hidesChildren(filters) };
  const all = asksForHidden(filters) ? [{ ...wanted, children: true }] : [];
  return [wanted, ...all].map((filters) => apiQuery(filters, 0));
}

function asksForHidden(filters: Filters): boolean {
  return filters.statuses.length > 0 && hidesChildren(filters);
}
