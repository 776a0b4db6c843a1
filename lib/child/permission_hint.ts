import type { TaskError } from "../task/record.ts";

const ASK = /run again with the (--allow-[a-z]+) flag/;

/** What an error of a permission says of Deno's command line, said of Headway's setting. */
export function withPermissionHint(error: TaskError): TaskError {
  const { message, cause, errors } = error;
  return {
    ...error,
    message: message.replace(ASK, "which HEADWAY_TASK_PERMISSIONS does not grant: add $1"),
    ...(cause === undefined ? {} : { cause: withPermissionHint(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(withPermissionHint) }),
  };
}
