import process from "node:process";

/**
 * The wall clock with a fraction: milliseconds since 1970, the same clock in every process of one
 * machine, as `pace.mjs` stamps it.
 */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Makes sure that the fine clock is the system's: a latency is a difference between two processes.
 *
 * @throws {Error} If they are more than 2 ms apart.
 */
export function checkClock(): void {
  const difference = wallClock() - Date.now();
  if (difference < -2 || difference > 3) {
    throw new Error(`Cannot measure: the clocks differ by ${difference.toFixed(1)} ms`);
  }
}

/** The processor time that this process has taken so far, user and system, seconds. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
