import type { TaskRecord } from "../../lib/task/record.ts";
import { HeadwayError, watch as watchTask } from "../../static/client/client.ts";
import { type Api, ServerError } from "./api.ts";

/** An event of a task's stream, by the name that it has there. */
export interface TaskEvent {
  /** `message`, `log`, `output`, `artifact`, `step`, `rewind`, `reset` or `complete`. */
  event: string;
  /** The stream's id at this event. */
  id: string;
  // deno-lint-ignore no-explicit-any -- JSON of the server
  data: any;
}

/** Milliseconds without an answer after which the server counts as gone. */
const GIVE_UP_MS = 5 * 60_000;

/**
 * Every event of a task, each once, to its end, over as many connections as it takes.
 *
 * @param onconnection Told when the connection was lost, and when it is back.
 * @param signal Ends it before its end: its reason is thrown.
 * @returns The task at its end.
 * @throws {ServerError} When the task is not there, or the server does not come back.
 */
export async function* watch(
  { url, token }: Pick<Api, "url" | "token">,
  id: string,
  onconnection: (up: boolean) => void,
  signal?: AbortSignal,
): AsyncGenerator<TaskEvent, TaskRecord, void> {
  const gone = new AbortController();
  let lost: ReturnType<typeof setTimeout> | undefined;
  using watched = watchTask(id, {
    base: url,
    token,
    signal: signal ? AbortSignal.any([gone.signal, signal]) : gone.signal,
    onconnection({ state }) {
      if (state === "waiting" && lost === undefined) {
        onconnection(false);
        lost = setTimeout(
          () => gone.abort(new ServerError(0, `There is no answer from ${url}`)),
          GIVE_UP_MS,
        );
      } else if (state === "live" && lost !== undefined) {
        clearTimeout(lost);
        lost = undefined;
        onconnection(true);
      }
    },
  });
  try {
    for await (const { type, id, data } of watched) {
      yield { event: type === "progress" ? "message" : type, id, data };
    }
    return await watched.finished;
  } catch (error) {
    if (!(error instanceof HeadwayError)) throw error;
    throw new ServerError(error.status, `${url} refused (${error.status}): ${error.message}`);
  } finally {
    clearTimeout(lost);
  }
}
