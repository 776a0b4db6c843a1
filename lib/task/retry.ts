/** How often and how fast a failed attempt is repeated: exponential backoff with full jitter. */
export interface RetryOptions {
  /** Attempts in all. @default {1} */
  maxAttempts?: number;
  /** Milliseconds: the bound of the first wait; it doubles each time. @default {1000} */
  baseMs?: number;
  /** Milliseconds: no wait is longer. @default {60000} */
  capMs?: number;
}

/** Where a kind says nothing. */
export const DEFAULT_RETRY: Required<RetryOptions> = {
  maxAttempts: 1,
  baseMs: 1000,
  capMs: 60_000,
};

/** What a kind or a step says of its tries. */
export interface TriesOptions {
  retry?: RetryOptions | undefined;
  /** Milliseconds that one may take. */
  timeout?: number | undefined;
}

/**
 * Fills in the defaults of `retry`.
 *
 * @param what What cannot be done with them, for the error: "define task 'count'".
 * @throws {TypeError} If a number is none that can be meant.
 */
export function readTries(
  what: string,
  { retry: given = {}, timeout }: TriesOptions,
): { retry: Required<RetryOptions>; timeout: number | undefined } {
  const {
    maxAttempts = DEFAULT_RETRY.maxAttempts,
    baseMs = DEFAULT_RETRY.baseMs,
    capMs = DEFAULT_RETRY.capMs,
  } = given;
  const numbers: [string, unknown, boolean][] = [
    ["retry.maxAttempts", maxAttempts, Number.isInteger(maxAttempts) && maxAttempts >= 1],
    ["retry.baseMs", baseMs, Number.isFinite(baseMs) && baseMs >= 0],
    ["retry.capMs", capMs, Number.isFinite(capMs) && capMs >= 0],
    ["timeout", timeout, timeout === undefined || (Number.isFinite(timeout) && timeout > 0)],
  ];
  for (const [name, value, fits] of numbers) requirePositive(what, name, value, fits);
  return { retry: { maxAttempts, baseMs, capMs }, timeout };
}

/** @throws {TypeError} If it does not fit. */
export function requirePositive(what: string, name: string, value: unknown, fits: boolean): void {
  if (fits) return;
  throw new TypeError(
    `Cannot ${what} as '${name}' must be a positive number: current value is ${value}`,
  );
}
