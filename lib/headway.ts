/**
 * Headway within a program of your own. Nothing of the server is loaded before {@link headway} is
 * called: task processes import this module, too.
 *
 * @module
 */

import type {
  FinishedTask,
  InputOf,
  KindOf,
  RequestOptions,
  ResultOf,
  SubmitOptions,
  SubmittedTask,
  TaskEvent,
} from "../static/client/client.d.ts";
import type { Settings } from "./config/config.ts";
import type { Authorize } from "./http/authorize.ts";
import type { AnyTask } from "./task/define.ts";
import type { OnError } from "./task/on_error.ts";
import type { Status, TaskRecord } from "./task/record.ts";

/** The same fields, each of which may be left out or `undefined`. */
export type Optional<Fields> = { [Name in keyof Fields]?: Fields[Name] | undefined };

/**
 * The options of {@link headway}: each setting of the environment, under its name in camelCase
 * (`HEADWAY_MAX_BODY` is `maxBody`), and those that only a program can give.
 */
export interface HeadwayOptions extends Optional<Omit<Settings, "basePath">> {
  /**
   * Your tasks: modules, which task processes load with their own project's `deno.json`, or
   * definitions, which run in this process. A module is a `URL`, or a string as in `HEADWAY_KINDS`,
   * such as a path from the current directory.
   */
  kinds?: KindsGiven | undefined;
  /**
   * The store: a path, `:memory:`, the URL of a KV Connect server, or a handle, which stays open
   * and must hold nothing but Headway's data. @default {".headway/headway.db"}
   */
  kv?: Deno.Kv | string | URL | undefined;
  /** The path below which all is served, such as `/jobs` (`HEADWAY_BASE_PATH`). @default {"/"} */
  path?: string | undefined;
  /** Whether there are the kinds that ship with Headway. @default {false} */
  shippedKinds?: boolean | undefined;
  /** Your own login: says who sends a request, and what they may do. Replaces tokens. */
  authorize?: Authorize | undefined;
  /**
   * Called for each attempt that fails in this process or in one of its task processes, including
   * time-outs and deaths of task processes: for Sentry and the like. It gets the error itself if
   * the task runs in this process, and otherwise a copy with its stack and causes. A module of
   * kinds may export an `onError` of its own, which gets the error itself.
   */
  onError?: OnError | undefined;
  /** The tokens that are accepted, each as `name:scope[+scope][@owner]:secret`. */
  tokens?: string | readonly string[] | undefined;
  /** The lowest level logged to stderr; `"pretty"` is `"info"` for a terminal. @default {"info"} */
  log?: "debug" | "info" | "warn" | "error" | "off" | "pretty" | undefined;
  /** A port to listen on, 0 for a free one. Without it, only your own server takes requests. */
  port?: number | undefined;
}

/** Modules of tasks, or definitions: in a list, or as a module exports them. */
export type KindsGiven =
  | string
  | URL
  | readonly (string | URL | AnyTask)[]
  | Readonly<Record<string, unknown>>;

/** The options of {@link Headway.submit}. */
export type SubmitHere = Omit<SubmitOptions, keyof RequestOptions>;

/** The options of {@link Headway.watch}. */
export interface WatchHere {
  /** Ends the watch: the loop then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The event to go on after: `"0"` for all that are kept, `""` for new ones. @default {"0"} */
  after?: string | undefined;
}

/** The filters of {@link Headway.list}. A task must match all of them. */
export interface ListQuery {
  /** In any of these states; a list must not be empty. */
  status?: Status | readonly Status[] | undefined;
  /** Of any of these kinds; a list must not be empty. */
  kind?: string | readonly string[] | undefined;
  /** Of this owner. */
  owner?: string | undefined;
  /** With this tag, or with all of these. */
  tag?: string | readonly string[] | undefined;
  /** Children of this task; `"none"` for tasks that are not children. */
  parent?: string | undefined;
  /** With this text in their message, kind or id. */
  text?: string | undefined;
  /** Submitted at this time or later. */
  createdAfter?: Date | undefined;
  /** Submitted before this time. */
  createdBefore?: Date | undefined;
  /** The most tasks in the page, 1 to 500. @default {50} */
  limit?: number | undefined;
  /** The `cursor` of the page before. */
  cursor?: string | undefined;
}

/** A page of {@link Headway.list}, newest first. */
export interface TaskPage {
  /** The tasks, without their results. */
  tasks: TaskRecord[];
  /** The cursor for the next page; `null` if there are no more tasks. */
  cursor: string | null;
}

/** The options of {@link Headway.close}. */
export interface CloseOptions {
  /**
   * Milliseconds for tasks to end or reach their next checkpoint, and for streams to end one after
   * another. @default {the option `drainMs`}
   */
  drainMs?: number | undefined;
}

/** Headway, as {@link headway} returns it. Disposing of it closes it without a drain. */
export interface Headway extends AsyncDisposable {
  /** The address it listens on itself, such as `http://127.0.0.1:8000`; `""` if it does not. */
  readonly url: string;

  /**
   * Answers a request: page, API and streams. It never rejects.
   *
   * @param info The second argument of a `Deno.serve` handler; `c.env` in Hono. Without it, or with
   *   anything else, the request counts as one from anywhere: it is refused unless `authorize` or
   *   `tokens` say who may ask.
   */
  fetch(request: Request, info?: unknown): Promise<Response>;

  /** Whether a request is for Headway: its path is that of the option `path`, or below it. */
  matches(request: Request): boolean;

  /**
   * Submits a task.
   *
   * @throws {HeadwayError} If there is no such kind, or the input is invalid: `field` says where.
   */
  submit<Task = unknown>(
    kind: KindOf<Task>,
    input?: InputOf<Task>,
    options?: SubmitHere,
  ): Promise<SubmittedTask<ResultOf<Task>>>;

  /**
   * Watches a task to its end: each event live, once and in order. If the task went on in another
   * process or the reader was slow, events come from the store.
   *
   * @throws {HeadwayError} If there is no such task, or it was deleted.
   * @throws {DOMException} "AbortError", if Headway is closed before the task's end.
   */
  watch<Task = unknown>(
    id: string,
    options?: WatchHere,
  ): AsyncGenerator<TaskEvent<Task>, void, void>;

  /** Gets a task as it is now; `null` if there is none. */
  get<Task = unknown>(
    id: string,
  ): Promise<TaskRecord<ResultOf<Task>> | FinishedTask<ResultOf<Task>> | null>;

  /**
   * Lists tasks, newest first, in pages.
   *
   * @throws {HeadwayError} If the query is invalid.
   */
  list(query?: ListQuery): Promise<TaskPage>;

  /**
   * Asks a task to stop, and waits up to two seconds for its end.
   *
   * @returns The task as it is then.
   * @throws {HeadwayError} If there is no such task, or it has ended otherwise.
   */
  cancel(id: string): Promise<TaskRecord>;

  /**
   * Runs an ended task again. A completed one keeps its result: a new task does its work again.
   *
   * @returns The task that is pending now: the same one, or the new one.
   * @throws {HeadwayError} If there is no such task, or it has not ended.
   */
  retry(id: string): Promise<TaskRecord>;

  /** Stops tasks, streams and listening. Unfinished tasks go on at the next start. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Starts Headway in this process.
 *
 * @example Mounted into a server of your own
 * ```ts
 * import { headway } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * await using jobs = await headway({ kv: ":memory:", path: "/jobs", log: "off" });
 * await using server = Deno.serve({ port: 0, onListen() {} }, (request, info) =>
 *   jobs.matches(request) ? jobs.fetch(request, info) : new Response("My own page"));
 *
 * const response = await fetch(`http://localhost:${server.addr.port}/jobs/healthz`);
 * assertEquals(await response.json(), { status: "ok" });
 * ```
 *
 * @example A task, and what happens to it
 * ```ts
 * import { defineTask, headway } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * const count = defineTask({
 *   kind: "count",
 *   async *run() {
 *     yield 50; // percent
 *     return "done";
 *   },
 * });
 *
 * await using jobs = await headway({ kinds: [count], kv: ":memory:", log: "off" });
 * const { task_id } = await jobs.submit<typeof count>("count");
 * for await (const event of jobs.watch<typeof count>(task_id)) {
 *   if (event.type === "complete") assertEquals(event.data.result, "done");
 * }
 * ```
 *
 * @throws {TypeError} If an option is invalid; the message names it.
 * @throws {Error} If the store cannot be opened, or others could use Headway without a login.
 */
export async function headway(options: HeadwayOptions = {}): Promise<Headway> {
  // A computed name: with a literal one, each task process would load the whole server.
  const server = new URL("../embed/open.ts", import.meta.url).href;
  const { openHeadway } = await import(server) as {
    openHeadway(options: HeadwayOptions): Promise<Headway>;
  };
  return await openHeadway(options);
}
