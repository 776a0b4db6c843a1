import { holds } from "./invariants.ts";
import type { KnownTask } from "./reference.ts";

/** Asserts that a task went on with the signal that was taken for it, or without if none was. */
export function checkSignals({ id, rows, asked: { signals }, fate }: KnownTask): void {
  const went = rows.find(({ data }) => data.data?.went !== undefined)?.data.data.went;
  if (went === undefined) return;
  const told = () => `${id} went on with ${went}, of ${JSON.stringify(signals)}`;
  holds("I20", went === null || signals.some(({ value }) => value === went), told);
  // A retry may have removed the signal that was taken before it.
  const kept = signals.every(({ value, taken }) => value === went || !taken);
  holds("I20", kept || fate.retries > 0, told);
}
