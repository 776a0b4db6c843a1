/**
 * The client, `/client.js`: watches tasks, live and without a gap, from any page or program. The
 * types of a task's input, outputs and result come from its definition:
 *
 * ```ts ignore
 * import type { importCsv } from "./tasks.ts";
 * const { result } = await watch<typeof importCsv>(id).finished;
 * ```
 *
 * @module
 */

import type {
  ArtifactRecord,
  ChildCounts,
  StageProgress,
  Status,
  StepRow,
  TaskError,
  TaskKeys,
  TaskRecord,
  WaitingFor,
} from "../../lib/task/record.ts";
export type {
  ArtifactRecord,
  ChildCounts,
  StageProgress,
  Status,
  StepRow,
  TaskError,
  TaskKeys,
  TaskRecord,
  WaitingFor,
};

/** A task that has ended. */
export type FinishedTask<Result = unknown> =
  & TaskRecord<Result>
  & (
    | { status: "completed"; result: Result; error: null }
    | { status: "failed"; result: null; error: TaskError }
    | { status: "canceled"; result: null }
  );

/** A row of a task's log. */
export interface LogRow {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** The level. */
  level: "debug" | "info" | "warn" | "error";
  /** The text. */
  message: string;
  /** Further fields. */
  data?: Record<string, unknown>;
}

/** A partial result. */
export interface OutputRow<Output = unknown> {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** The value. */
  data: Output;
}

/**
 * The task starts again from its last checkpoint: the outputs after that no longer count, and are
 * made again. So every output counts once.
 */
export interface Rewind {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** Drop the outputs received so far that have a larger `seq` than this. */
  after: number;
}

/** A file of the task that is stored, and can be downloaded. */
export interface ArtifactRow extends ArtifactRecord {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** SHA-256 of the content, in hex. */
  sha256: string;
}

/** A definition made with `defineTask`, as far as it has the types of its task. */
export interface Defined {
  /** The schema of its input. */
  readonly input: { readonly "~standard": { readonly types?: unknown } } | undefined;
  /** Its generator. */
  // deno-lint-ignore no-explicit-any -- variance: `run` takes its own input type
  run(context: any): AsyncGenerator<any, any, any>;
}

/** The name of a task's kind. */
export type KindOf<Task> = Task extends { readonly kind: infer Kind extends string } ? Kind
  : string;

/** The input with which a task is submitted, as its schema takes it. */
export type InputOf<Task> = Task extends {
  readonly input: { readonly "~standard": { readonly types?: infer Types } } | undefined;
} ? NonNullable<Types> extends { readonly input: infer Input } ? Input : unknown
  : unknown;

/** The type of a task's outputs, as it gives them to `output()`. */
export type OutputOf<Task> = Task extends Defined
  ? OutputIn<ReturnType<Task["run"]> extends AsyncGenerator<infer Yielded> ? Yielded : never>
  : unknown;

/** The type of the outputs among all that a generator yields. */
export type OutputIn<Yielded> = Yielded extends
  { readonly "~headway": "output"; data: infer Output } ? Output
  : never;

/** The type of what a task returns. */
export type ResultOf<Task> = Task extends Defined
  ? ReturnType<Task["run"]> extends AsyncGenerator<unknown, infer Result> ? Result : unknown
  : unknown;

/** An event of a task. `id` is where a later watch can go on, as its `lastEventId`. */
export type TaskEvent<Task = unknown> =
  /** The task made progress, or changed its state. A slow reader does not get every progress. */
  | { type: "progress"; id: string; data: TaskRecord<ResultOf<Task>> }
  | { type: "log"; id: string; data: LogRow }
  | { type: "output"; id: string; data: OutputRow<OutputOf<Task>> }
  | { type: "rewind"; id: string; data: Rewind }
  /** The state of a step, a sleep, a signal or children changed. */
  | { type: "step"; id: string; data: StepRow & { seq: number } }
  | { type: "artifact"; id: string; data: ArtifactRow }
  /** The task has ended: this is the last event. */
  | { type: "complete"; id: string; data: FinishedTask<ResultOf<Task>> }
  /** What follows `lastEventId` is not kept, or was never there: what is kept comes next. */
  | { type: "reset"; id: string; data: Reset };

/** Why a watch could not go on from where it was. */
export interface Reset {
  /**
   * `too-old`: rows are missing, and the oldest that is kept comes next. `unknown` and `malformed`:
   * forget all rows, as they come again from the first.
   */
  reason: "too-old" | "unknown" | "malformed";
  /** The task as it is now. */
  task: TaskRecord;
}

/** The state of a connection. */
export interface ConnectionState {
  /** `waiting`: it broke, and will be tried again. `idle`: before the first try, and at the end. */
  state: "idle" | "connecting" | "live" | "waiting";
  /** Since when the data may be out of date, milliseconds since the epoch; `null` if it is not. */
  since: number | null;
  /** The status that the server last answered with instead of a stream; `null` for none. */
  refused: number | null;
}

/** A token, or a function that returns one: called before each try, it may fetch a new one. */
export type Token = string | (() => string | Promise<string>);

/** The options of every request. */
export interface RequestOptions {
  /** The address of Headway. @default {where the script was loaded from} */
  base?: string | URL | undefined;
  /** Sent as `Authorization: Bearer`. */
  token?: Token | undefined;
  /** Aborts the request or the watch. */
  signal?: AbortSignal | undefined;
  /** Sends the requests. @default {the platform's `fetch`} */
  fetch?: ((url: string, init?: RequestInit) => Promise<Response>) | undefined;
}

/** The options of {@link watch}. */
export interface WatchOptions<Task = unknown> extends RequestOptions {
  /** The event to go on after: `"0"` for all that are kept, `""` for new ones. @default {"0"} */
  lastEventId?: string | undefined;
  /** Sends the token as `?token=`: spares a preflight, but proxies may log it. @default {false} */
  tokenInUrl?: boolean | undefined;
  /** Milliseconds of silence after which a connection counts as dead. @default {37_500} */
  stallMs?: number | undefined;
  /** Called for progress and for changes of state. */
  onprogress?: ((record: TaskRecord<ResultOf<Task>>) => void) | undefined;
  /** Called for each log row. */
  onlog?: ((row: LogRow) => void) | undefined;
  /** Called for each output. */
  onoutput?: ((row: OutputRow<OutputOf<Task>>) => void) | undefined;
  /** Called when outputs no longer count. */
  onrewind?: ((rewind: Rewind) => void) | undefined;
  /** Called for each change of a step, a sleep, a signal or children. */
  onstep?: ((row: StepRow & { seq: number }) => void) | undefined;
  /** Called for each file that can be downloaded. */
  onartifact?: ((row: ArtifactRow) => void) | undefined;
  /** Called when the task has ended, however it ended. */
  oncomplete?: ((record: FinishedTask<ResultOf<Task>>) => void) | undefined;
  /** Called when the watch could not go on from where it was. */
  onreset?: ((reset: Reset) => void) | undefined;
  /** Called when the watch cannot go on: there is no such task, or the token does not open it. */
  onerror?: ((error: HeadwayError) => void) | undefined;
  /** Called when the state of the connection changes. */
  onconnection?: ((connection: ConnectionState) => void) | undefined;
}

/**
 * A watch of a task: by callbacks, with `for await`, or by awaiting `finished`. It begins at once
 * if it has callbacks, and otherwise when the first event or `finished` is asked for.
 */
export interface Watch<Task = unknown> extends AsyncIterable<TaskEvent<Task>, void, void> {
  /** The task's id. */
  readonly id: string;
  /** The task's newest known record; `null` before the first. */
  readonly record: TaskRecord<ResultOf<Task>> | null;
  /** The state of the connection. */
  readonly connection: ConnectionState;
  /** Resolves at the task's end. Rejects with a {@link HeadwayError}, or why the watch ended. */
  readonly finished: Promise<FinishedTask<ResultOf<Task>>>;
  /** Ends the watch. */
  close(): void;
  /** Ends the watch. */
  [Symbol.dispose](): void;
}

/**
 * Watches a task over as many connections as it takes: each event once and in order. A slow reader
 * gets the newest progress and every other event, and holds up only itself.
 *
 * ```js ignore
 * watch(id, { onprogress: ({ progress }) => bar.value = progress ?? 0 });
 * for await (const event of watch(id)) console.log(event.type, event.data);
 * const { status, result } = await watch(id).finished;
 * ```
 */
export function watch<Task = unknown>(id: string, options?: WatchOptions<Task>): Watch<Task>;

/** A URL to which webhooks about a task are sent. */
export interface NotifyTarget {
  /** Where webhooks are posted: an `http` or `https` URL. */
  url: string;
  /** The events to send. @default {how the task ended: completed, failed, canceled} */
  on?:
    | readonly ("started" | "waiting" | "retrying" | "completed" | "failed" | "canceled")[]
    | undefined;
  /** The secret that signs webhooks to this target, instead of the server's: `whsec_…`. */
  secret?: string | undefined;
}

/** The options of {@link submit}. */
export interface SubmitOptions extends RequestOptions {
  /** −100 to 100; higher runs first. */
  priority?: number | undefined;
  /** Milliseconds to wait before the task may run. */
  delayMs?: number | undefined;
  /** How many attempts there may be, with the first one. */
  maxAttempts?: number | undefined;
  /** Milliseconds that an attempt may take. */
  timeoutMs?: number | undefined;
  /** The task's owner: lists, streams and tokens may be limited to one owner's tasks. */
  owner?: string | undefined;
  /** The task's tags: up to 20, of up to 64 characters each. */
  tags?: readonly string[] | undefined;
  /** The targets of webhooks about it, instead of those of its kind: at most 5. */
  notify?: readonly NotifyTarget[] | undefined;
  /** Milliseconds that it is kept after its end, instead of what its kind and the server say. */
  keep?: number | "forever" | undefined;
  /** A second submit with the same key and input returns the same task. */
  idempotencyKey?: string | undefined;
}

/** A task that was submitted. */
export interface SubmittedTask<Result = unknown> extends TaskRecord<Result> {
  /** A token that reads only this task, for an hour by default; absent if the server needs none. */
  token?: string;
}

/** Submits a task. Rejects with a {@link HeadwayError}, or with the signal's reason. */
export function submit<Task = unknown>(
  kind: KindOf<Task>,
  input?: InputOf<Task>,
  options?: SubmitOptions,
): Promise<SubmittedTask<ResultOf<Task>>>;

/** The options of {@link upload}. */
export interface UploadOptions extends RequestOptions {
  /** The file's name. @default {the name of a `File`} */
  name?: string | undefined;
  /** Its owner: only a task of the same owner, or a token that may read all, may name it. */
  owner?: string | undefined;
}

/** The description of an upload. */
export interface Upload {
  /** The id by which a task's input names it. */
  upload_id: string;
  /** Its size in bytes. */
  size: number;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** The file's name, or `null`. */
  name: string | null;
  /** Until when it is kept at least, ISO 8601: longer where a task or a schedule needs it. */
  expires_at: string;
}

/** Uploads a file, or anything else that `fetch` takes as a body. */
export function upload(
  content: Exclude<BodyInit, FormData | URLSearchParams>,
  options?: UploadOptions,
): Promise<Upload>;

/** Asks a task to stop, and waits up to two seconds for its end. */
export function cancel(id: string, options?: RequestOptions): Promise<void>;

/** A request was refused by the server, or got no answer. */
export class HeadwayError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The part of the request that was wrong, such as `input.steps`; `null` for none. */
  readonly field: string | null;
  /** Creates an error with the server's own message. */
  constructor(status: number, message: string, field?: string | null);
}
