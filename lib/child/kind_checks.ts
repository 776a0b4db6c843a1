/**
 * Checks the kinds that a task process says its module has.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { KIND_PATTERN } from "../task/define.ts";
import { isDeeper, type Kind, MAX_DEPTH, MAX_DESCRIPTION, MAX_KINDS } from "../task/kind.ts";
import { MAX_JSON } from "../task/limits.ts";
import { areTargets } from "../task/notify.ts";
import { MAX_KEEP_MS, type Retention } from "../task/retention.ts";
import {
  type KindSchedule,
  MAX_CRON,
  MAX_JITTER_MS,
  MAX_ZONE,
  MISSED,
  type Missed,
  type Overlap,
  OVERLAPS,
} from "../task/schedule.ts";
import { isJson } from "./json_checks.ts";
import {
  type Check,
  type Checks,
  fits,
  isAmount,
  isBoolean,
  isCount,
  isFrom,
  isList,
  isNullOr,
  isObject,
  isOptional,
  isText,
} from "./shape.ts";

export const isKindName: Check = (value) => typeof value === "string" && KIND_PATTERN.test(value);

const RETRY: Checks<Kind["retry"]> = {
  maxAttempts: isFrom(1),
  baseMs: isFrom(0),
  capMs: isFrom(0),
};

const SCHEDULE: Checks<KindSchedule> = {
  cron: isText(MAX_CRON),
  zone: isText(MAX_ZONE),
  missed: (value) => MISSED.includes(value as Missed),
  overlap: (value) => OVERLAPS.includes(value as Overlap),
  jitter_ms: (value) => isFrom(0)(value) && (value as number) <= MAX_JITTER_MS,
  input: isNullOr(isJson),
};

/** Milliseconds; `null` for ever. */
const isKept = isOptional(isNullOr((value) => isAmount(value) && value <= MAX_KEEP_MS));

const RETENTION: Checks<Retention> = { completed: isKept, failed: isKept, canceled: isKept };

const RATE: Checks<NonNullable<Kind["rate"]>> = {
  limit: (value) => isCount(value) && value >= 1,
  perMs: isFrom(1),
  keyed: isBoolean,
};

const DEBOUNCE: Checks<NonNullable<Kind["debounce"]>> = { waitMs: isFrom(1) };

const KIND: Checks<Kind> = {
  kind: isKindName,
  description: isNullOr(isText(MAX_DESCRIPTION)),
  schema: isNullOr(isSchema),
  checked: isBoolean,
  required: isBoolean,
  retry: (value) => fits(value, RETRY),
  timeout: isNullOr(isFrom(Number.MIN_VALUE)),
  concurrency: isNullOr((value) => isFrom(1)(value) && Number.isInteger(value)),
  keyed: isOptional(isBoolean),
  rate: isOptional(isNullOr((value) => fits(value, RATE))),
  debounce: isOptional(isNullOr((value) => fits(value, DEBOUNCE))),
  isolate: isBoolean,
  hidden: isBoolean,
  notify: areTargets,
  schedule: isOptional(isNullOr((value) => fits(value, SCHEDULE))),
  retention: isNullOr((value) => isObject(value) && fits(value, RETENTION)),
};

/** Whether these are kinds with different names. */
export function areKinds(value: unknown): boolean {
  if (!isList(value, MAX_KINDS) || value.length === 0) return false;
  return value.every((kind) => fits(kind, KIND)) &&
    new Set(value.map(({ kind }) => kind)).size === value.length;
}

function isSchema(value: unknown): boolean {
  return isObject(value) && !isDeeper(value, MAX_DEPTH) &&
    byteLength(JSON.stringify(value)) <= MAX_JSON;
}
