import { BEFORE } from "../headway.ts";
import type { Target } from "../scenario.ts";
import type { System } from "../system.ts";

/** How much worse a figure may look in one run than before, and still be no worse: noise. */
const NOISE = 1.1;

/** At most so many times the other's, in the same round. */
export function atMost(key: string, times: number, { name: to }: System, label = key): Target {
  return { key, to, says: `${label} at most ${times} × ${to}`, atMost: times };
}

/** At most what it was before, for `--against`. */
export function noWorse(key: string, label = key): Target {
  return { key, to: BEFORE, says: `${label} no worse than before`, atMost: NOISE };
}
