/**
 * A kind as the server knows it: plain data that a task process makes from a definition.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import type { AnyTask } from "./define.ts";
import { durationMs } from "./duration.ts";
import { hasKeys } from "./start_limits.ts";
import { MAX_JSON } from "./limits.ts";
import { type StoredTarget, storedTarget } from "./notify.ts";
import type { Retention } from "./retention.ts";
import type { RetryOptions } from "./retry.ts";
import type { KindSchedule } from "./schedule.ts";
import type { StandardSchema } from "./standard_schema.ts";

export type JsonSchema = Record<string, unknown>;

export interface Kind {
  readonly kind: string;
  readonly description: string | null;
  /** The JSON Schema of the input; `null` if there is no schema, or JSON Schema cannot express it. */
  readonly schema: JsonSchema | null;
  readonly checked: boolean;
  /** Whether the schema refuses a submit without an input. */
  readonly required: boolean;
  readonly retry: Required<RetryOptions>;
  /** Milliseconds that an attempt may take; `null` for no time-out. */
  readonly timeout: number | null;
  /** The number of runs at once in the whole cluster; `null` for no limit. */
  readonly concurrency: number | null;
  /** Whether `concurrency` holds for each key. */
  readonly keyed?: boolean;
  /** At most `limit` starts in any `perMs` milliseconds in the whole cluster, or for each key of it. */
  readonly rate?:
    | { readonly limit: number; readonly perMs: number; readonly keyed: boolean }
    | null;
  /** How many milliseconds a submit waits for others with its key. */
  readonly debounce?: { readonly waitMs: number } | null;
  readonly isolate: boolean;
  /** Whether the page's form leaves it out. */
  readonly hidden: boolean;
  /** The targets of webhooks about its tasks; absent for none. */
  readonly notify?: readonly StoredTarget[];
  /** `null` for no schedule; absent in what older versions send. */
  readonly schedule?: KindSchedule | null;
  /** How long its tasks are kept; `null` if the settings decide. */
  readonly retention: Retention | null;
}

/** The most characters of a description. */
export const MAX_DESCRIPTION = 4096;

/** The most kinds of one module. */
export const MAX_KINDS = 500;

/** The most bytes of JSON of all schemas of a module; kinds beyond that are listed without one. */
const MAX_SCHEMAS = 2 * 1024 * 1024;

/** How deep a schema may be nested: code that walks through it recurses. */
export const MAX_DEPTH = 64;

export function describeTasks(tasks: Iterable<AnyTask>): Kind[] {
  let room = MAX_SCHEMAS;
  return Array.from(tasks, (task) => {
    const {
      kind,
      description,
      input,
      retry,
      timeout,
      concurrency,
      rate,
      debounce,
      isolate,
      hidden,
    } = task;
    const { notify, schedule, retention } = task;
    const beside = [notify, schedule].reduce((sum, it) => sum + (it ? sizeOf(it) : 0), 0);
    const json = input ? schemaText(input, beside) : null;
    room -= json === null ? 0 : byteLength(json);
    return {
      kind,
      description: description === undefined ? null : String(description).slice(0, MAX_DESCRIPTION),
      schema: json === null || room < 0 ? null : JSON.parse(json),
      checked: input !== undefined || hasKeys(task),
      required: input !== undefined && !takesNothing(input),
      retry,
      timeout: timeout ?? null,
      concurrency: (typeof concurrency === "object" ? concurrency.limit : concurrency) ?? null,
      keyed: typeof concurrency === "object",
      rate: rate
        ? { limit: rate.limit, perMs: durationMs(rate.per), keyed: rate.key !== undefined }
        : null,
      debounce: debounce ? { waitMs: durationMs(debounce.wait) } : null,
      isolate,
      hidden: Boolean(hidden),
      ...(notify ? { notify: notify.map(storedTarget) } : {}),
      schedule: schedule ?? null,
      retention: retention ?? null,
    };
  });
}

function sizeOf(value: unknown): number {
  return byteLength(JSON.stringify(value));
}

function takesNothing(schema: StandardSchema): boolean {
  try {
    const result = schema["~standard"].validate(undefined);
    if (!(result instanceof Promise)) return !result.issues;
    result.catch(() => {});
  } catch {
    // A validator that throws does not accept a missing input.
  }
  return false;
}

export function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeper(part, depth - 1));
}

/** The function that makes JSON Schema, as the Standard JSON Schema interface has it. */
type ToJsonSchema = (options: {
  target: string;
  libraryOptions?: Record<string, unknown>;
}) => unknown;

/** For Zod, Valibot and ArkType: a field that JSON Schema cannot express accepts any value. */
const LENIENT = {
  unrepresentable: "any",
  errorMode: "ignore",
  fallback: ({ base }: { base: unknown }) => base,
};

/**
 * A schema as JSON Schema text; `null` if its library cannot make it, it is nested too deep, or it
 * does not fit into one stored value with the `beside` other bytes of its kind.
 */
export function schemaText(schema: StandardSchema, beside = 0): string | null {
  for (const libraryOptions of [LENIENT, undefined]) {
    try {
      const { jsonSchema } = schema["~standard"] as { jsonSchema?: { input?: ToJsonSchema } };
      const target = "draft-2020-12";
      const json = JSON.stringify(
        jsonSchema?.input?.(libraryOptions ? { target, libraryOptions } : { target }),
      );
      if (json === undefined || !json.startsWith("{") || isDeeper(JSON.parse(json), MAX_DEPTH)) {
        return null;
      }
      return byteLength(json) + beside > MAX_JSON ? null : json;
    } catch {
      // A schema that cannot be expressed as JSON Schema still validates.
    }
  }
  return null;
}
