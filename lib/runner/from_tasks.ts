/**
 * Checks what a task process says. Its program is ours, but users' code runs beside it and can get
 * hold of its end of the line: nothing it says may touch more than its own tasks.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import type { FromTasks, RunEnd, RunEvent } from "../child/protocol.ts";
import type { Report } from "../task/state.ts";
import { MAX_JSON } from "../task/limits.ts";
import { MAX_TEXT } from "../child/yields.ts";

/** Characters of a stack, of a name, of a message: more than is ever sent. */
const MAX_STACK = 64 * 1024;
const MAX_NAME = 1024;
const MAX_MESSAGE = 8192;

/** Characters of an upload's id. */
const MAX_ID = 128;

/**
 * Checks a message.
 *
 * @throws {SyntaxError} If it is none that the program of a task process sends.
 */
export function checkFromTasks(message: FromTasks): FromTasks {
  if (!isObject(message)) throw wrong("a message");
  switch (message.type) {
    case "ready":
      if (!Array.isArray(message.kinds)) throw wrong("a list of kinds");
      return message;
    case "batch":
      if (!Array.isArray(message.events)) throw wrong("a batch");
      for (const event of message.events) checkEvent(event);
      return message;
    case "info":
    case "chunk": {
      const { request, upload } = message;
      const offset = message.type === "chunk" ? message.offset : 0;
      if (
        !isCount(request) || request > 0xffff_ffff || !isCount(offset) || !isText(upload, MAX_ID)
      ) {
        throw wrong("a request");
      }
      return message;
    }
  }
  throw wrong("a message");
}

function checkEvent(event: RunEvent): void {
  if (!Array.isArray(event) || !Number.isSafeInteger(event[0])) throw wrong("an event");
  const [, type, content] = event;
  switch (type) {
    case "progress":
      return checkReport(content);
    case "log":
    case "output": {
      const row = parse(content);
      // Its `seq` is put in by the server.
      if (!isObject(row) || content.length < 3 || "seq" in row) throw wrong("a row");
      return;
    }
    case "save":
      return void parse(content);
    case "end":
      return checkEnd(content);
  }
  throw wrong("an event");
}

function checkReport(report: Report): void {
  if (!isObject(report) || !isTime(report.at)) throw wrong("a report");
  for (const field of Object.keys(report) as (keyof Report)[]) {
    const value = report[field];
    switch (field) {
      case "at":
        break;
      case "progress":
        if (value !== null && !(isAmount(value) && value <= 100)) throw wrong("a report");
        break;
      case "done":
      case "total":
        if (!isAmount(value)) throw wrong("a report");
        break;
      case "unit":
      case "stage":
      case "message":
        if (!isText(value, MAX_TEXT[field])) throw wrong("a report");
        break;
      default:
        throw wrong("a report");
    }
  }
}

function checkEnd(end: RunEnd): void {
  if (!isObject(end)) throw wrong("an end");
  if (end.how === "returned") {
    if (end.json !== null) parse(end.json);
  } else if (end.how === "threw") {
    const { error, stack } = end;
    if (!isObject(error) || !isText(error.name, MAX_NAME) || !isText(error.message, MAX_MESSAGE)) {
      throw wrong("an error");
    }
    if (Object.keys(error).length > 2 || !isText(stack, MAX_STACK)) throw wrong("an error");
  } else if (end.how === "stopped") {
    const { reason, stack } = end;
    if (reason !== "cancel" && reason !== "timeout" && reason !== "stop") throw wrong("an end");
    if (stack !== undefined && !isText(stack, MAX_STACK)) throw wrong("an end");
  } else {
    throw wrong("an end");
  }
}

/** JSON on one line: a line break would begin an event of another task in the journal. */
function parse(json: unknown): unknown {
  if (!isText(json, MAX_JSON) || /[\n\r]/.test(json)) throw wrong("JSON");
  if (json.length > MAX_JSON / 3 && byteLength(json) > MAX_JSON) throw wrong("JSON");
  return JSON.parse(json);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length <= max;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}

function wrong(what: string): SyntaxError {
  return new SyntaxError(
    `Cannot take what a task process said as it is not ${what} of this protocol`,
  );
}
