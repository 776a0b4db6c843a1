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
  /** Of the input; `null` where its schema cannot be written down, or where anything goes. */
  readonly schema: JsonSchema | null;
  readonly checked: boolean;
  /** Whether a task cannot do without an input. */
  readonly required: boolean;
  readonly retry: Required<RetryOptions>;
  /** Milliseconds an attempt may take. */
  readonly timeout: number | null;
  /** Runs at once, over the whole cluster. */
  readonly concurrency: number | null;
  /** That is so for each key. */
  readonly keyed?: boolean;
  /** Starts in so many milliseconds, over the whole cluster; of each key where they are keyed. */
  readonly rate?:
    | { readonly limit: number; readonly perMs: number; readonly keyed: boolean }
    | null;
  /** For how many milliseconds a submit waits for others with its key. */
  readonly debounce?: { readonly waitMs: number } | null;
  readonly isolate: boolean;
  /** Whether the page's form leaves it out. */
  readonly hidden: boolean;
  /** Whom webhooks tell of its tasks; absent for nobody. */
  readonly notify?: readonly StoredTarget[];
  /** When tasks of it are made by themselves; `null` for never. Absent as older versions tell it. */
  readonly schedule?: KindSchedule | null;
  /** How long its tasks are kept; `null` where the settings say. */
  readonly retention: Retention | null;
}

/** Characters of a description. */
export const MAX_DESCRIPTION = 4096;

/** Kinds of one module. */
export const MAX_KINDS = 500;

/** Bytes of JSON that the schemas of one module may take together: what is beyond goes without. */
const MAX_SCHEMAS = 2 * 1024 * 1024;

/** How deep a schema may be: more would be too much for who walks through it. */
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
    // A validator that throws takes something, then.
  }
  return false;
}

export function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeper(part, depth - 1));
}

/** How a library writes a schema down, as in the Standard JSON Schema interface. */
type ToJsonSchema = (options: {
  target: string;
  libraryOptions?: Record<string, unknown>;
}) => unknown;

/** So that one field that JSON Schema has no word for leaves the others: of Zod, Valibot, ArkType. */
const LENIENT = {
  unrepresentable: "any",
  errorMode: "ignore",
  fallback: ({ base }: { base: unknown }) => base,
};

/**
 * A schema as JSON Schema, as text; `null` where its library makes none, or none of a size to be kept
 * beside so many bytes.
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
      // A schema that cannot be written down still checks.
    }
  }
  return null;
}
