import process from "node:process";

/**
 * Milliseconds since 1970, with a fraction. All processes of a machine share this clock, as does
 * `pace.mjs`, which writes it into its messages.
 */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Checks that `wallClock()` is close to the system's clock, since a latency is the difference of two
 * processes' clocks.
 *
 * @throws {Error} If they are more than 2 ms apart. `Date.now()` leaves out up to 1 ms besides.
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
