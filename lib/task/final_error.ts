/** Marks a {@link FinalError}. A registered symbol is the same in all copies and realms. */
const FINAL = Symbol.for("headway.final");

/**
 * Ends a task at once: an attempt that throws it is the last, whatever `retry` says. For failures
 * that retrying cannot help.
 *
 * @example
 * ```ts
 * import { FinalError } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new FinalError("There is no customer 7", { cause: new Error("404") });
 * assertEquals([error.name, error instanceof Error], ["FinalError", true]);
 * ```
 */
export class FinalError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", {
      value: "FinalError",
      configurable: true,
      writable: true,
    });
    Object.defineProperty(this.prototype, FINAL, { value: true });
  }
}

/** Whether a thrown value is a {@link FinalError} of any copy or realm. Never throws. */
export function isFinal(thrown: unknown): boolean {
  try {
    return typeof thrown === "object" && thrown !== null &&
      (thrown as Record<symbol, unknown>)[FINAL] === true;
  } catch {
    return false;
  }
}
