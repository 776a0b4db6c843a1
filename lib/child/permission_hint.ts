import type { TaskError } from "../task/record.ts";

const ASK = /run again with the (--allow-[a-z]+) flag/;

/** Makes a permission error name Headway's setting in place of Deno's command line. */
export function withPermissionHint(error: TaskError): TaskError {
  const { message, cause, errors } = error;
  return {
    ...error,
    message: message.replace(ASK, "which HEADWAY_TASK_PERMISSIONS does not grant: add $1"),
    ...(cause === undefined ? {} : { cause: withPermissionHint(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(withPermissionHint) }),
  };
}
