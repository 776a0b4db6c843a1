import { BEFORE } from "../headway.ts";
import type { Target } from "../scenario.ts";
import type { System } from "../system.ts";

/** The ratio up to which a figure counts as no worse than before, because of noise. */
const NOISE = 1.1;

/** The figure is at most `times` that of another system in the same round. */
export function atMost(key: string, times: number, { name: to }: System, label = key): Target {
  return { key, to, says: `${label} at most ${times} × ${to}`, atMost: times };
}

/** The figure is no worse than that of the checkout of `--against`. */
export function noWorse(key: string, label = key): Target {
  return { key, to: BEFORE, says: `${label} no worse than before`, atMost: NOISE };
}
