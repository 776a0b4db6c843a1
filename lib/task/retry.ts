/** How often and how fast a failed attempt is repeated: exponential backoff with full jitter. */
export interface RetryOptions {
  /** How many attempts there may be, with the first one. @default {1} */
  maxAttempts?: number;
  /** The longest first wait, in milliseconds; it doubles with each attempt. @default {1000} */
  baseMs?: number;
  /** The longest wait of all, in milliseconds. @default {60000} */
  capMs?: number;
}

/** The defaults of {@link RetryOptions}. */
export const DEFAULT_RETRY: Required<RetryOptions> = {
  maxAttempts: 1,
  baseMs: 1000,
  capMs: 60_000,
};

/** The options of a kind or a step that decide how it is tried. */
export interface TriesOptions {
  retry?: RetryOptions | undefined;
  /** Milliseconds that one try may take. */
  timeout?: number | undefined;
}

/**
 * Fills in the defaults of `retry`.
 *
 * @param what What an invalid option prevents, for the error's text: "define task 'count'".
 * @throws {TypeError} If a number is invalid; the message names it.
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

/** @throws {TypeError} If `fits` is false. */
export function requirePositive(what: string, name: string, value: unknown, fits: boolean): void {
  if (fits) return;
  throw new TypeError(
    `Cannot ${what} as '${name}' must be a positive number: current value is ${value}`,
  );
}
