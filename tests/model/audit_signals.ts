import { holds } from "./invariants.ts";
import type { KnownTask } from "./reference.ts";

/** What a task went on with was sent to it; and nothing, where its time was over before. */
export function checkSignals({ id, rows, asked: { signals }, fate }: KnownTask): void {
  const went = rows.find(({ data }) => data.data?.went !== undefined)?.data.data.went;
  if (went === undefined) return;
  if (went !== null) {
    const sent = signals.some(({ value }) => value === went);
    holds("I20", sent, () => `${id} went on with ${went}, of ${JSON.stringify(signals)}`);
    // Of a task that was retried, another one may have been removed before.
    const first = fate.retries > 0 ||
      signals.every(({ value, at }) => value === went || at === null);
    return holds("I20", first, () => `${id} went on with ${went}, of ${JSON.stringify(signals)}`);
  }
  if (fate.jumped || fate.retries > 0) return;
  const waits = rows.find(({ event, data }) =>
    event === "step" && data.until && data.name === "go"
  );
  const until = waits ? Date.parse(waits.data.until) : -Infinity;
  const missed = signals.find(({ at }) => at !== null && at < until);
  holds("I20", !missed, () => `${id} did not take ${JSON.stringify(missed)} until ${until}`);
}
