/**
 * Checks the messages of a task process. Its program is ours, but users' code runs beside it and
 * can get hold of its end of the channel: no message may affect anything but its own tasks.
 *
 * The types of `protocol.ts` are the one source: a field without a check, here or in an import,
 * does not compile, and a field that they do not have is refused.
 *
 * @module
 */

import { ARTIFACT_BLOCK, ARTIFACT_NAME, ARTIFACT_TYPE } from "../task/artifact_list.ts";
import type { TaskKeys } from "../task/record.ts";
import { isTaskKey } from "../task/start_limits.ts";
import { MAX_ERROR } from "../task/task_error.ts";
import { readTraceparent } from "../task/traceparent.ts";
import {
  type Checked,
  type InputIssue,
  MAX_ISSUES,
  MAX_MESSAGE as MAX_ISSUE,
  MAX_STEP,
  MAX_STEPS,
} from "./check_input.ts";
import { isJson, parsed } from "./json_checks.ts";
import { areKinds, isKindName } from "./kind_checks.ts";
import { MAX_LOAD_STACK, MAX_REASON } from "./load_kinds.ts";
import { type FromTasks, MAX_NEW_CHILDREN, type NewChild } from "./protocol.ts";
import { isEvent, isName } from "./run_event_checks.ts";
import {
  type Checks,
  type ChecksBy,
  fits,
  fitsOne,
  isBoolean,
  isCount,
  isList,
  isNullOr,
  isObject,
  isOptional,
  isText,
} from "./shape.ts";

/** Characters of an upload's id. */
const MAX_ID = 128;

const NEW_CHILD: Checks<NewChild> = {
  kind: isKindName,
  input: isNullOr(isJson),
};

const KEYS: Checks<TaskKeys> = {
  concurrency: isOptional(isKey),
  rate: isOptional(isKey),
  debounce: isOptional(isKey),
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
  // Its size is checked later, where the client can be told.
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
  // JSON cannot hold this: it comes as a frame of its own.
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

/** Whether a limit can count by it. */
function isKey(value: unknown): boolean {
  return typeof value === "string" && isTaskKey(value);
}

function isChecked(value: unknown): boolean {
  return fits(value, ISSUES) || fits(value, INPUT);
}
