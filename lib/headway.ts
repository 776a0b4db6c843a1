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

/** Fields that may be left out, or be `undefined`. */
export type Optional<Fields> = { [Name in keyof Fields]?: Fields[Name] | undefined };

/**
 * What {@link headway} takes: each setting of the environment, its name in camelCase
 * (`HEADWAY_MAX_BODY` is `maxBody`), and what only a program can give.
 */
export interface HeadwayOptions extends Optional<Omit<Settings, "basePath">> {
  /**
   * Your tasks: modules, which task processes load with their own project's `deno.json`, or
   * definitions, which run in this very process. A module is a `URL`, or text as in `HEADWAY_KINDS`:
   * a path from the folder you are in.
   */
  kinds?: KindsGiven | undefined;
  /**
   * The store: a path, `:memory:`, the URL of a KV Connect server, or a handle, which stays open and
   * must hold nothing but Headway's. @default {".headway/headway.db"}
   */
  kv?: Deno.Kv | string | URL | undefined;
  /** The path below which all of it is, as `/jobs` (`HEADWAY_BASE_PATH`). @default {"/"} */
  path?: string | undefined;
  /** With the kinds that ship. @default {false} */
  shippedKinds?: boolean | undefined;
  /** Your own login: says who sends a request, and what they may do. Replaces tokens. */
  authorize?: Authorize | undefined;
  /**
   * Told of each attempt that fails in this process or in one of its task processes, time-outs and
   * deaths of task processes among them: for Sentry and the like. Of a task that runs in this very
   * process it gets the error itself, of any other one like it, with its stack and causes. A module of
   * kinds may export an `onError` of its own, which gets the error itself.
   */
  onError?: OnError | undefined;
  /** Who may do what, each as `name:scope:secret`. */
  tokens?: string | readonly string[] | undefined;
  /** What is told on stderr. @default {"info"} */
  log?: "debug" | "info" | "warn" | "error" | "off" | "pretty" | undefined;
  /** Has Headway listen by itself, too. Without it nobody does but you. */
  port?: number | undefined;
}

/** A module of tasks, or the definitions themselves. */
export type KindsGiven =
  | string
  | URL
  | readonly (string | URL | AnyTask)[]
  | Readonly<Record<string, unknown>>;

/** What {@link Headway.submit} takes beside the input. */
export type SubmitHere = Omit<SubmitOptions, keyof RequestOptions>;

/** What {@link Headway.watch} takes. */
export interface WatchHere {
  /** Ends it: then the loop throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Goes on behind this event. `"0"` gives all that is kept, `""` begins now. @default {"0"} */
  after?: string | undefined;
}

/** Which tasks {@link Headway.list} gives. */
export interface ListQuery {
  /** Any of these; at least one. */
  status?: Status | readonly Status[] | undefined;
  /** Any of these; at least one. */
  kind?: string | readonly string[] | undefined;
  /** This one's. */
  owner?: string | undefined;
  /** With this tag, or all of these. */
  tag?: string | readonly string[] | undefined;
  /** Children of this task. */
  parent?: string | undefined;
  /** In its message, its kind or its id. */
  text?: string | undefined;
  /** Submitted then or later. */
  createdAfter?: Date | undefined;
  /** Submitted before. */
  createdBefore?: Date | undefined;
  /** From 1 to 500. @default {50} */
  limit?: number | undefined;
  /** Of the page before. */
  cursor?: string | undefined;
}

/** A page of {@link Headway.list}, newest first. */
export interface TaskPage {
  /** Without their results. */
  tasks: TaskRecord[];
  /** For the next page; `null` for no more. */
  cursor: string | null;
}

/** How {@link Headway.close} stops. */
export interface CloseOptions {
  /**
   * Milliseconds for tasks to end or reach their next checkpoint, and for streams to end one after
   * another. @default {the option `drainMs`}
   */
  drainMs?: number | undefined;
}

/** Headway, as {@link headway} gives it. Disposing of it closes it without a drain. */
export interface Headway extends AsyncDisposable {
  /** Where it listens by itself, as `http://127.0.0.1:8000`; `""` where it does not. */
  readonly url: string;

  /**
   * Answers a request: page, API and streams. It never rejects.
   *
   * @param info What `Deno.serve` gives beside the request, in Hono `c.env`. Without it, or with
   *   anything else, a request may come from anywhere: it is refused where neither `authorize` nor
   *   `tokens` say who may ask.
   */
  fetch(request: Request, info?: unknown): Promise<Response>;

  /** Whether a request is for Headway: its path is that of the option `path`, or below it. */
  matches(request: Request): boolean;

  /**
   * Submits a task.
   *
   * @throws {HeadwayError} If there is no such kind, or the input does not fit: `field` says what.
   */
  submit<Task = unknown>(
    kind: KindOf<Task>,
    input?: InputOf<Task>,
    options?: SubmitHere,
  ): Promise<SubmittedTask<ResultOf<Task>>>;

  /**
   * What happens to a task, live, each event once and in order, to its end. Where it went on in another
   * process, or the reader was slow, the events come from the store.
   *
   * @throws {HeadwayError} If there is no such task, or it was deleted.
   * @throws {DOMException} "AbortError", if Headway is closed before the task's end.
   */
  watch<Task = unknown>(
    id: string,
    options?: WatchHere,
  ): AsyncGenerator<TaskEvent<Task>, void, void>;

  /** A task as it is now; `null` where there is none. */
  get<Task = unknown>(
    id: string,
  ): Promise<TaskRecord<ResultOf<Task>> | FinishedTask<ResultOf<Task>> | null>;

  /**
   * Tasks, newest first, in pages.
   *
   * @throws {HeadwayError} If the query is wrong.
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
   * Runs a task again that has ended. One that completed keeps its result: a new task does it again.
   *
   * @returns The task that is pending now.
   * @throws {HeadwayError} If there is no such task, or it has not ended.
   */
  retry(id: string): Promise<TaskRecord>;

  /** Stops it: tasks, streams, and what it listens at. Unfinished tasks go on at the next start. */
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
 * @throws {TypeError} If an option is wrong; the message names it.
 * @throws {Error} If the store cannot be opened, or others could reach it and nothing kept them out.
 */
export async function headway(options: HeadwayOptions = {}): Promise<Headway> {
  // A name that is known only now: by a literal one, each task process would load the whole server.
  const server = new URL("../embed/open.ts", import.meta.url).href;
  const { openHeadway } = await import(server) as {
    openHeadway(options: HeadwayOptions): Promise<Headway>;
  };
  return await openHeadway(options);
}
