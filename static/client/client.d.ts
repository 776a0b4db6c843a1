/**
 * What `/client.js` gives: watches tasks, live and without a gap, from any page or program. The
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
  /** How grave it is. */
  level: "debug" | "info" | "warn" | "error";
  /** The sentence. */
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
 * The task starts again from its last checkpoint: what it put out behind that no longer counts, and is
 * put out again. So every output counts once.
 */
export interface Rewind {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** Outputs with a larger `seq` that came before are to be dropped. */
  after: number;
}

/** A file that is kept, and can be downloaded. */
export interface ArtifactRow extends ArtifactRecord {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** SHA-256 of the content, in hex. */
  sha256: string;
}

/** What a definition made with `defineTask` says of its types. */
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

/** The input that a task is submitted with, as its schema takes it. */
export type InputOf<Task> = Task extends {
  readonly input: { readonly "~standard": { readonly types?: infer Types } } | undefined;
} ? NonNullable<Types> extends { readonly input: infer Input } ? Input : unknown
  : unknown;

/** What a task puts out with `output()`. */
export type OutputOf<Task> = Task extends Defined
  ? OutputIn<ReturnType<Task["run"]> extends AsyncGenerator<infer Yielded> ? Yielded : never>
  : unknown;

/** What of all that a generator yields is an output. */
export type OutputIn<Yielded> = Yielded extends
  { readonly "~headway": "output"; data: infer Output } ? Output
  : never;

/** What a task returns. */
export type ResultOf<Task> = Task extends Defined
  ? ReturnType<Task["run"]> extends AsyncGenerator<unknown, infer Result> ? Result : unknown
  : unknown;

/** What happens to a task. `id` is where a later watch can go on: its `lastEventId`. */
export type TaskEvent<Task = unknown> =
  /** It made progress, or changed its state. Values in between are left out for a slow reader. */
  | { type: "progress"; id: string; data: TaskRecord<ResultOf<Task>> }
  | { type: "log"; id: string; data: LogRow }
  | { type: "output"; id: string; data: OutputRow<OutputOf<Task>> }
  | { type: "rewind"; id: string; data: Rewind }
  /** How it stands with a step, a sleep or a signal of it. */
  | { type: "step"; id: string; data: StepRow & { seq: number } }
  | { type: "artifact"; id: string; data: ArtifactRow }
  /** It has ended: the last event. */
  | { type: "complete"; id: string; data: FinishedTask<ResultOf<Task>> }
  /** What was behind `lastEventId` is not kept, or never was: what is kept follows. */
  | { type: "reset"; id: string; data: Reset };

/** Why a watch could not go on where it was. */
export interface Reset {
  /**
   * `too-old`: rows are missing, and go on with the oldest that is kept. `unknown` and `malformed`:
   * forget all rows, they follow from the first.
   */
  reason: "too-old" | "unknown" | "malformed";
  /** The task as it is. */
  task: TaskRecord;
}

/** How a connection stands. */
export interface ConnectionState {
  /** `waiting`: broken, and about to be tried again. `idle`: before the first try and at the end. */
  state: "idle" | "connecting" | "live" | "waiting";
  /** Since when what is known may be old, milliseconds since the epoch; `null` while it is not. */
  since: number | null;
  /** The status the server answered instead of a stream, last. */
  refused: number | null;
}

/** Opens what needs a token; a function is asked before each try, and may fetch a new one. */
export type Token = string | (() => string | Promise<string>);

/** What every request takes. */
export interface RequestOptions {
  /** Where Headway is. @default {where the script was loaded from} */
  base?: string | URL | undefined;
  /** Sent as `Authorization: Bearer`. */
  token?: Token | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Sends the requests. @default {that of the platform} */
  fetch?: ((url: string, init?: RequestInit) => Promise<Response>) | undefined;
}

/** What {@link watch} takes. */
export interface WatchOptions<Task = unknown> extends RequestOptions {
  /** Goes on behind this event. `"0"` gives all that is kept, `""` begins now. @default {"0"} */
  lastEventId?: string | undefined;
  /** Sends the token as `?token=`: spares a preflight, but proxies may log it. @default {false} */
  tokenInUrl?: boolean | undefined;
  /** Milliseconds of silence after which a connection counts as dead. @default {37_500} */
  stallMs?: number | undefined;
  /** Progress, or a change of state. */
  onprogress?: ((record: TaskRecord<ResultOf<Task>>) => void) | undefined;
  /** A row of its log. */
  onlog?: ((row: LogRow) => void) | undefined;
  /** A partial result. */
  onoutput?: ((row: OutputRow<OutputOf<Task>>) => void) | undefined;
  /** Outputs no longer count. */
  onrewind?: ((rewind: Rewind) => void) | undefined;
  /** How it stands with a step, a sleep or a signal. */
  onstep?: ((row: StepRow & { seq: number }) => void) | undefined;
  /** A file that can be downloaded. */
  onartifact?: ((row: ArtifactRow) => void) | undefined;
  /** Its end, however it ended. */
  oncomplete?: ((record: FinishedTask<ResultOf<Task>>) => void) | undefined;
  /** See {@link Reset}. */
  onreset?: ((reset: Reset) => void) | undefined;
  /** The watch cannot go on: the task is not there, or the token does not open it. */
  onerror?: ((error: HeadwayError) => void) | undefined;
  /** The connection is another. */
  onconnection?: ((connection: ConnectionState) => void) | undefined;
}

/**
 * A task that is watched: with callbacks, by `for await`, or by waiting for its end. It begins with
 * the first callback given, the first event asked for, or the first look at `finished`.
 */
export interface Watch<Task = unknown> extends AsyncIterable<TaskEvent<Task>, void, void> {
  /** Which task. */
  readonly id: string;
  /** The newest that is known of it. */
  readonly record: TaskRecord<ResultOf<Task>> | null;
  /** How the connection stands. */
  readonly connection: ConnectionState;
  /** Its end. Rejects with a {@link HeadwayError}, or the signal's reason. */
  readonly finished: Promise<FinishedTask<ResultOf<Task>>>;
  /** Goes no further. */
  close(): void;
  /** The same. */
  [Symbol.dispose](): void;
}

/**
 * Watches a task over as many connections as it takes, each event once and in order. A reader that
 * is slow gets the newest progress and every other event, and holds up only itself.
 *
 * ```js ignore
 * watch(id, { onprogress: ({ progress }) => bar.value = progress ?? 0 });
 * for await (const event of watch(id)) console.log(event.type, event.data);
 * const { status, result } = await watch(id).finished;
 * ```
 */
export function watch<Task = unknown>(id: string, options?: WatchOptions<Task>): Watch<Task>;

/** Whom webhooks tell of a task. */
export interface NotifyTarget {
  /** To which it is posted: `http` or `https`. */
  url: string;
  /** Of what. @default {how it ended: completed, failed, canceled} */
  on?:
    | readonly ("started" | "waiting" | "retrying" | "completed" | "failed" | "canceled")[]
    | undefined;
  /** Signs instead of the server's secrets: `whsec_…`. */
  secret?: string | undefined;
}

/** What {@link submit} takes beside the input. */
export interface SubmitOptions extends RequestOptions {
  /** −100 to 100; higher runs first. */
  priority?: number | undefined;
  /** Milliseconds: not before. */
  delayMs?: number | undefined;
  /** Attempts in all. */
  maxAttempts?: number | undefined;
  /** Milliseconds an attempt may take. */
  timeoutMs?: number | undefined;
  /** Whose task it is: the server's lists and streams, and tokens, may be one owner's. */
  owner?: string | undefined;
  /** What it belongs to: up to 20 tags of up to 64 characters. */
  tags?: readonly string[] | undefined;
  /** Whom webhooks tell of it, instead of those of its kind: at most 5. */
  notify?: readonly NotifyTarget[] | undefined;
  /** Milliseconds that it is kept after its end, instead of as its kind and the server say. */
  keep?: number | "forever" | undefined;
  /** A second submit with the same key and input gives the same task. */
  idempotencyKey?: string | undefined;
}

/** A task that was taken in. */
export interface SubmittedTask<Result = unknown> extends TaskRecord<Result> {
  /** Reads this one task, for an hour; where the server asks for tokens. */
  token?: string;
}

/** Submits a task. */
export function submit<Task = unknown>(
  kind: KindOf<Task>,
  input?: InputOf<Task>,
  options?: SubmitOptions,
): Promise<SubmittedTask<ResultOf<Task>>>;

/** What {@link upload} takes beside the content. */
export interface UploadOptions extends RequestOptions {
  /** The file's name. @default {that of a File} */
  name?: string | undefined;
  /** Whose it is: only a task of the same owner, or a token that may read all, may name it. */
  owner?: string | undefined;
}

/** An upload that was taken in. */
export interface Upload {
  /** Names it in a task's input. */
  upload_id: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** The file's name. */
  name: string | null;
  /** When it will be removed. ISO 8601. */
  expires_at: string;
}

/** Uploads a file, or anything that `fetch` takes as a body. */
export function upload(
  content: Exclude<BodyInit, FormData | URLSearchParams>,
  options?: UploadOptions,
): Promise<Upload>;

/** Asks a task to stop. */
export function cancel(id: string, options?: RequestOptions): Promise<void>;

/** A request that the server, or the way to it, refused. */
export class HeadwayError extends Error {
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What of the request was wrong, as `input.steps`. */
  readonly field: string | null;
  /** With the server's own sentence. */
  constructor(status: number, message: string, field?: string | null);
}
