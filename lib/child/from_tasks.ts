/**
 * Checks what a task process says. Its program is ours, but users' code runs beside it and can get
 * hold of its end of the channel: nothing it says may touch more than its own tasks.
 *
 * The types of `protocol.ts` are the one source: a field of theirs that has no check here does not
 * compile, and a field that they do not have is refused.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { type Answer, NAME_PATTERN } from "../task/answer.ts";
import { ARTIFACT_BLOCK, ARTIFACT_NAME, ARTIFACT_TYPE } from "../task/artifact_list.ts";
import { type ChildPlan, MAX_CHILDREN } from "../task/child.ts";
import { KIND_PATTERN } from "../task/define.ts";
import type { TaskKeys } from "../task/record.ts";
import { isTaskKey } from "../task/start_limits.ts";
import { isDeeper, type Kind, MAX_DEPTH, MAX_DESCRIPTION, MAX_KINDS } from "../task/kind.ts";
import { MAX_JSON } from "../task/limits.ts";
import type { TaskError } from "../task/record.ts";
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
import { MAX_KEEP_MS, type Retention } from "../task/retention.ts";
import { MAX_STAGE_NAME, MAX_STAGES } from "../task/stages.ts";
import { areTargets } from "../task/notify.ts";
import type { Report } from "../task/report.ts";
import { MAX_CAUSES, MAX_ERROR, MAX_MORE, MAX_PARTS } from "../task/task_error.ts";
import {
  type FromTasks,
  type KeptAnswer,
  MAX_NEW_CHILDREN,
  type NewChild,
  type RunEnd,
  type RunEvent,
  type StopReason,
} from "./protocol.ts";
import {
  type Checked,
  type InputIssue,
  MAX_ISSUES,
  MAX_MESSAGE as MAX_ISSUE,
  MAX_STEP,
  MAX_STEPS,
} from "./check_input.ts";
import { MAX_LOAD_STACK, MAX_REASON } from "./load_kinds.ts";
import { readTraceparent } from "../task/traceparent.ts";
import { MAX_TEXT } from "../task/yield.ts";
import {
  type Check,
  type Checks,
  type ChecksBy,
  fits,
  fitsOne,
  isAmount,
  isBoolean,
  isBrief,
  isCount,
  isFrom,
  isList,
  isNullOr,
  isObject,
  isOptional,
  isText,
} from "./shape.ts";

/** Characters of an upload's id. */
const MAX_ID = 128;

/** Milliseconds since the epoch, as a date can have them. */
const isTime: Check = (value) => typeof value === "number" && Math.abs(value) <= 8.64e15;

const REPORT: Checks<Report> = {
  at: isTime,
  progress: (value) => value === null || (isAmount(value) && value <= 100),
  done: isAmount,
  total: isAmount,
  unit: isText(MAX_TEXT.unit),
  stage: isText(MAX_TEXT.stage),
  message: isText(MAX_TEXT.message),
  stages: (value) => Array.isArray(value) && value.length <= MAX_STAGES && value.every(isStage),
};

const ERROR: Checks<TaskError> = {
  name: isBrief(MAX_ERROR.name),
  message: isBrief(MAX_ERROR.message),
  code: isOptional((value) => typeof value === "number" || isBrief(MAX_ERROR.code)(value)),
  cause: isOptional(isObject),
  errors: isOptional((value) => Array.isArray(value) && value.length <= MAX_PARTS + 1),
};

const THROWN = { error: isError, stack: isText(MAX_ERROR.stack) };

const REASONS: Readonly<Record<StopReason, true>> = { cancel: true, timeout: true, stop: true };

const isName: Check = (value) => typeof value === "string" && NAME_PATTERN.test(value);

const ANSWER: Checks<Answer> = {
  type: (value) =>
    value === "step" || value === "sleep" || value === "signal" || value === "children",
  done: isBoolean,
  until: isNullOr(isTime),
  json: isNullOr(isJson),
};

const PLAN: Checks<ChildPlan> = {
  total: (value) => isCount(value) && value >= 1 && value <= MAX_CHILDREN,
  concurrency: isNullOr((value) => isCount(value) && value >= 1),
  on_failure: (value) => value === "fail" || value === "continue" || value === "cancel",
  // Who sees them end says so.
  ended: (value) => value === undefined,
};

const NEW_CHILD: Checks<NewChild> = {
  kind: (value) => typeof value === "string" && KIND_PATTERN.test(value),
  input: isNullOr(isJson),
};

const KEPT: Checks<KeptAnswer> = {
  request: isNullOr(isCount),
  name: isName,
  answer: (value) =>
    isObject(value) && fits(value, ANSWER) && (value.type !== "children" || isGroup(value)),
  row: isRow,
  takes: isBoolean,
};

const END: ChecksBy<"how", RunEnd> = {
  returned: {
    json: (value) => value === null || isJson(value),
    large: isOptional((value) => value === true),
  },
  threw: { ...THROWN, final: isOptional((value) => value === true) },
  strayed: THROWN,
  waits: {
    type: (value) => value === "sleep" || value === "signal" || value === "children",
    name: isName,
    until: isNullOr(isTime),
  },
  stopped: {
    reason: (value) => typeof value === "string" && Object.hasOwn(REASONS, value),
    stack: isOptional(isText(MAX_ERROR.stack)),
  },
};

const CONTENT: Readonly<Record<RunEvent[1], Check>> = {
  progress: (value) => fits(value, REPORT, ["at"]),
  log: isRow,
  output: isRow,
  step: isRow,
  answer: (value) => fits(value, KEPT),
  save: isJson,
  artifact: (value) => value === "",
  end: (value) => fitsOne(value, "how", END),
};

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

const KEYS: Checks<TaskKeys> = {
  concurrency: isOptional(isKey),
  rate: isOptional(isKey),
  debounce: isOptional(isKey),
};

const KIND: Checks<Kind> = {
  kind: (value) => typeof value === "string" && KIND_PATTERN.test(value),
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

const ISSUE: Checks<InputIssue> = {
  path: (value) => isList(value, MAX_STEPS) && value.every(isText(MAX_STEP)),
  message: isText(MAX_ISSUE),
};

type Issues = Extract<Checked, { issues: unknown }>;

const ISSUES: Checks<Issues> = {
  issues: (value) =>
    isList(value, MAX_ISSUES) && value.length > 0 && value.every((issue) => fits(issue, ISSUE)),
};

const INPUT: Checks<Exclude<Checked, Issues>> = {
  // How large it may be the client is told.
  input: isNullOr((value) => parsed(value, Infinity) !== undefined),
  parsed: isBoolean,
  keys: isOptional((value) => fits(value, KEYS)),
};

const REQUEST = {
  request: (value: unknown) => isCount(value) && value <= 0xffff_ffff,
  upload: isText(MAX_ID),
};

const MESSAGE: ChecksBy<"type", FromTasks> = {
  ready: { kinds: areKinds },
  failed: { reason: isText(MAX_REASON), stack: isText(MAX_LOAD_STACK) },
  checked: { request: isCount, checked: isChecked },
  batch: { events: (value) => Array.isArray(value) && value.every(isEvent) },
  info: REQUEST,
  ask: {
    request: isCount,
    run: Number.isSafeInteger,
    name: isName,
    closes: isOptional((value) => value === true),
  },
  children: {
    request: isCount,
    run: Number.isSafeInteger,
    name: isName,
    from: isCount,
    entries: (value) =>
      isList(value, MAX_NEW_CHILDREN) && value.every((child) => fits(child, NEW_CHILD)),
    traceparent: isOptional((value) => readTraceparent(value) === value),
  },
  outcomes: { request: isCount, run: Number.isSafeInteger, name: isName, from: isCount },
  chunk: { ...REQUEST, offset: isCount },
  artifact: {
    run: Number.isSafeInteger,
    name: (value) => typeof value === "string" && ARTIFACT_NAME.test(value),
    media: (value) => typeof value === "string" && ARTIFACT_TYPE.test(value),
  },
  // No JSON is that.
  bytes: {
    run: Number.isSafeInteger,
    bytes: (value) =>
      value instanceof Uint8Array && value.length > 0 && value.length <= ARTIFACT_BLOCK,
  },
  overdue: {},
  broken: { why: isText(MAX_ERROR.name) },
};

/** @throws {SyntaxError} If it is not a message that the program of a task process sends. */
export function checkFromTasks(message: unknown): FromTasks {
  if (fitsOne(message, "type", MESSAGE)) return message as unknown as FromTasks;
  const type = isObject(message) ? message.type : message;
  throw new SyntaxError(
    `Cannot take what a task process said as it is not a message of this protocol: its type is ${
      JSON.stringify(type)?.slice(0, 100)
    }`,
  );
}

function isEvent(event: unknown): boolean {
  if (!Array.isArray(event) || event.length !== 3 || !Number.isSafeInteger(event[0])) return false;
  const [, type, content] = event;
  return Object.hasOwn(CONTENT, type) && CONTENT[type as RunEvent[1]](content);
}

function isStage(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return isBrief(MAX_STAGE_NAME)(value[0]) && isAmount(value[1]);
}

/** An error whose causes and parts are some, and take no more room than they may. */
function isError(value: unknown): boolean {
  if (!isErrorWithin(value, 0)) return false;
  const { cause, errors } = value as TaskError;
  return byteLength(JSON.stringify({ cause, errors })) <= MAX_MORE;
}

function isErrorWithin(value: unknown, depth: number): boolean {
  if (depth > MAX_CAUSES || !fits(value, ERROR)) return false;
  const { cause, errors = [] } = value as TaskError;
  return (cause === undefined || isErrorWithin(cause, depth + 1)) &&
    errors.every((part) => isErrorWithin(part, depth + 1));
}

/** Kinds, of different names. */
function areKinds(value: unknown): boolean {
  if (!isList(value, MAX_KINDS) || value.length === 0) return false;
  return value.every((kind) => fits(kind, KIND)) &&
    new Set(value.map(({ kind }) => kind)).size === value.length;
}

function isSchema(value: unknown): boolean {
  return isObject(value) && !isDeeper(value, MAX_DEPTH) &&
    byteLength(JSON.stringify(value)) <= MAX_JSON;
}

/** What a limit may count by. */
function isKey(value: unknown): boolean {
  return typeof value === "string" && isTaskKey(value);
}

function isChecked(value: unknown): boolean {
  return fits(value, ISSUES) || fits(value, INPUT);
}

function isGroup({ done, json }: Record<string, unknown>): boolean {
  return done === false && fits(parsed(json), PLAN);
}

/** An object's text. Its `seq` is put in by the server. */
function isRow(json: unknown): boolean {
  const row = parsed(json);
  return isObject(row) && (json as string).length >= 3 && !("seq" in row);
}

function isJson(json: unknown): boolean {
  return parsed(json) !== undefined;
}

/** JSON on one line: a line break would begin an event of another task in the journal. */
function parsed(json: unknown, max = MAX_JSON): unknown {
  if (typeof json !== "string" || json.length > max || /[\n\r]/.test(json)) return undefined;
  if (json.length > max / 3 && byteLength(json) > max) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
