/**
 * Checks the events of a run: its reports, rows, answers, checkpoints and end.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { type Answer, NAME_PATTERN } from "../task/answer.ts";
import { type ChildPlan, MAX_CHILDREN } from "../task/child.ts";
import type { TaskError } from "../task/record.ts";
import type { Report } from "../task/report.ts";
import { MAX_STAGE_NAME, MAX_STAGES } from "../task/stages.ts";
import { MAX_CAUSES, MAX_ERROR, MAX_MORE, MAX_PARTS } from "../task/task_error.ts";
import { MAX_TEXT } from "../task/yield.ts";
import { isJson, isRow, parsed } from "./json_checks.ts";
import type { KeptAnswer, RunEnd, RunEvent, StopReason } from "./protocol.ts";
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
  isNullOr,
  isObject,
  isOptional,
  isText,
} from "./shape.ts";

/** Milliseconds since the epoch, in the range of a `Date`. */
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

export const isName: Check = (value) => typeof value === "string" && NAME_PATTERN.test(value);

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
  // Only the server sets it, when it sees the children end.
  ended: (value) => value === undefined,
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

export function isEvent(event: unknown): boolean {
  if (!Array.isArray(event) || event.length !== 3 || !Number.isSafeInteger(event[0])) return false;
  const [, type, content] = event;
  return Object.hasOwn(CONTENT, type) && CONTENT[type as RunEvent[1]](content);
}

function isStage(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return isBrief(MAX_STAGE_NAME)(value[0]) && isAmount(value[1]);
}

/** Whether this is an error whose causes and parts are errors, within their bounds. */
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

function isGroup({ done, json }: Record<string, unknown>): boolean {
  return done === false && fits(parsed(json), PLAN);
}
