/**
 * The limits on starts of a kind's tasks (concurrency, rate and debounce), and the keys by which
 * they count tasks.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import { type Duration, durationMs } from "./duration.ts";
import type { TaskKeys } from "./record.ts";
import { requirePositive } from "./retry.ts";
import { brief, textOf } from "./text.ts";

/** Limits how many tasks with the same key run at once in the whole cluster. */
export interface ConcurrencyByKey<Input> {
  /** How many tasks with the same key run at once. */
  limit: number;
  /** Makes the key of a task from its validated input: at most 256 bytes. */
  key(input: Input): string;
}

/** Limits how many runs start in a given time in the whole cluster. */
export interface RateOptions<Input> {
  /** How many runs may start in any period as long as `per`: 1 to 10,000. */
  limit: number;
  /** The length of the period: a millisecond to a day. */
  per: Duration;
  /** Makes the key of a task from its validated input. Without it, all tasks of the kind count. */
  key?(input: Input): string;
}

/** Runs what is submitted again and again only once, when no submit came for a while. */
export interface DebounceOptions<Input> {
  /** How long no submit with the same key must have come: a millisecond to a day. */
  wait: Duration;
  /** Makes the key of a submit from its validated input: at most 256 bytes. */
  key(input: Input): string;
}

/** The most bytes of a key. */
const MAX_KEY = 256;

const MAX_RATE = 10_000;
const MAX_PER_MS = 86_400_000;

export type Limits<Input> = {
  concurrency?: number | ConcurrencyByKey<Input> | undefined;
  rate?: RateOptions<Input> | undefined;
  debounce?: DebounceOptions<Input> | undefined;
};

/** @throws {TypeError} If a limit is invalid: "Cannot `what` as …", such as "define task 'k'". */
export function checkLimits<Input>(
  what: string,
  { concurrency, rate, debounce }: Limits<Input>,
): void {
  if (debounce !== undefined) {
    requireObject(what, "debounce", debounce, "{ wait, key }");
    requireTime(what, "debounce.wait", debounce.wait);
    requireKey(what, "debounce", debounce.key);
  }
  const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
  if (typeof concurrency === "object") {
    requireObject(what, "concurrency", concurrency, "{ limit, key }");
    const { limit, key } = concurrency;
    requirePositive(what, "concurrency.limit", limit, whole(limit));
    requireKey(what, "concurrency", key);
  } else {
    const fits = concurrency === undefined || whole(concurrency);
    requirePositive(what, "concurrency", concurrency, fits);
  }
  if (rate === undefined) return;
  requireObject(what, "rate", rate, "{ limit, per, key? }");
  const { limit, per, key } = rate;
  if (!whole(limit) || limit > MAX_RATE) {
    throw new TypeError(
      `Cannot ${what} as 'rate.limit' must be a whole number from 1 to ${MAX_RATE}: current value is ${
        textOf(limit)
      }`,
    );
  }
  requireTime(what, "rate.per", per);
  if (key !== undefined) requireKey(what, "rate", key);
}

function requireTime(what: string, name: string, time: Duration): void {
  const ms = durationMs(time);
  if (ms >= 1 && ms <= MAX_PER_MS) return;
  throw new TypeError(`Cannot ${what} as '${name}' must be from a millisecond to a day`);
}

function requireObject(what: string, name: string, value: unknown, shape: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`Cannot ${what} as '${name}' must be ${shape}`);
}

function requireKey(what: string, name: string, key: unknown): void {
  if (typeof key === "function") return;
  throw new TypeError(`Cannot ${what} as '${name}.key' must be a function of the input`);
}

/** Whether a limit counts tasks by a key. */
export function hasKeys<Input>({ concurrency, rate, debounce }: Limits<Input>): boolean {
  return typeof concurrency === "object" || rate?.key !== undefined || debounce !== undefined;
}

/**
 * The keys of a task with this input; `undefined` if no limit has a key.
 *
 * @throws {TypeError} If a key function throws, or returns anything but a valid key.
 */
export function keysFor<Input>(limits: Limits<Input>, input: Input): TaskKeys | undefined {
  if (!hasKeys(limits)) return undefined;
  const { concurrency, rate, debounce } = limits;
  return {
    ...(typeof concurrency === "object"
      ? { concurrency: keyOf("concurrency", () => concurrency.key(input)) }
      : {}),
    ...(rate?.key ? { rate: keyOf("rate", () => rate.key!(input)) } : {}),
    ...(debounce ? { debounce: keyOf("debounce", () => debounce.key(input)) } : {}),
  };
}

/** @throws {TypeError} If `make` throws or its key is invalid; `name` names the option. */
export function keyOf(name: string, make: () => unknown): string {
  let key: unknown;
  try {
    key = make();
  } catch (error) {
    throw new TypeError(`the key of its ${name} threw ${brief(textOf(error), 200)}`);
  }
  if (typeof key !== "string") {
    throw new TypeError(`the key of its ${name} must be text: it is ${brief(textOf(key), 100)}`);
  }
  if (!isTaskKey(key)) {
    throw new TypeError(
      `the key of its ${name} must be up to ${MAX_KEY} bytes of text: it is '${brief(key, 100)}'`,
    );
  }
  return key;
}

/** Whether a text can be a key. */
export function isTaskKey(text: string): boolean {
  return byteLength(text) <= MAX_KEY && !text.includes("\0") && text.isWellFormed();
}

/** The concurrency and rate keys as one text: a kind's tasks with the same text queue in one line. */
export function lineKeyOf({ concurrency, rate }: TaskKeys = {}): string | undefined {
  if (concurrency === undefined && rate === undefined) return undefined;
  return `${concurrency ?? ""}\0${rate ?? ""}`;
}

/** The keys that {@link lineKeyOf} joined; an absent key is empty. */
export function keysIn(lineKey: string): { concurrency: string; rate: string } {
  const [concurrency = "", rate = ""] = lineKey.split("\0");
  return { concurrency, rate };
}
