import { holds } from "./invariants.ts";
import type { KnownTask } from "./reference.ts";

/** What a task went on with is what was taken for it; and nothing, where nothing was. */
export function checkSignals({ id, rows, asked: { signals }, fate }: KnownTask): void {
  const went = rows.find(({ data }) => data.data?.went !== undefined)?.data.data.went;
  if (went === undefined) return;
  const told = () => `${id} went on with ${went}, of ${JSON.stringify(signals)}`;
  holds("I20", went === null || signals.some(({ value }) => value === went), told);
  // Of a task that was retried, another one may have been removed before.
  const kept = signals.every(({ value, taken }) => value === went || !taken);
  holds("I20", kept || fate.retries > 0, told);
}
