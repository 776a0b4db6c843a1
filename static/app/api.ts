/**
 * The server's HTTP API, as the page uses it.
 *
 * @module
 */

import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { observeTime } from "./clock.ts";
import type { Trace } from "../task/samples.ts";
import { at } from "./root.ts";
import { elsewhere, scopes as granted, signedIn, signedOut } from "./session.ts";
import { strings } from "../i18n/strings.ts";

/** A request the server, or the way to it, refused. The message is for the person. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** By field of the request, as `input.steps`: what is wrong with it. */
  readonly fields: ReadonlyMap<string, string>;

  /** From a problem of RFC 9457, or without one. */
  constructor(status: number, problem: unknown) {
    const { error, field, errors } = (problem ?? {}) as {
      error?: unknown;
      field?: string;
      errors?: { field: string; message: string }[];
    };
    super(
      typeof error === "string"
        ? error
        : status === 0
        ? strings.unreachable
        : strings.unexpected(status),
    );
    this.status = status;
    this.fields = new Map(
      errors?.map(({ field, message }) => [field, message]) ??
        (field === undefined ? [] : [[field, this.message]]),
    );
  }
}

/** A kind of task, as `GET /kinds` tells. */
export interface KindInfo {
  kind: string;
  description: string | null;
  /** JSON Schema of its input; `null` where anything goes. */
  input: unknown;
  /** The form leaves it out. */
  hidden?: boolean;
  /** It comes with Headway. */
  shipped?: boolean;
  /** Why it cannot be run; `null` where it can. */
  unavailable?: string | null;
  /** That nothing of it starts, and how many still run; `null` where it does. */
  paused?: PausedKind | null;
}

/** Since when, by whom and why a kind is paused; the two last as far as one may know. */
export interface PausedKind {
  since: string;
  by: string | null;
  reason: string | null;
  /** How many of it still run. */
  running?: number;
}

export interface Upload {
  /** Names it in a task's input. */
  upload_id: string;
  /** Bytes. */
  size: number;
}

export async function signIn(token: string): Promise<void> {
  await call("POST", "/login", { token });
  await readSession();
}

export async function signOut(): Promise<void> {
  try {
    await call("POST", "/logout");
  } finally {
    await readSession();
  }
}

/** Asks whether a token is needed, and there is a session; whether the page may go on. */
export async function readSession(): Promise<boolean> {
  takeSession(await call("GET", "/login"));
  return !signedOut.value;
}

/** What `GET /login` says. */
export interface Session {
  /** Whether anything needs a token. */
  readonly required: boolean;
  readonly scopes: readonly string[];
  /** People sign in to the program that the page is part of. */
  readonly elsewhere?: boolean;
}

/** Takes in what `GET /login` says. */
export function takeSession({ required, scopes, elsewhere: outside = false }: Session): void {
  elsewhere.value = outside;
  signedOut.value = required && scopes.length === 0;
  signedIn.value = required && scopes.length > 0 && !outside;
  granted.value = required ? scopes : null;
}

export interface ModuleInfo {
  module: string;
  /** Whether its kinds can be run. */
  state: "loading" | "ready" | "failed";
  reason: string | null;
}

/** The kinds there are, where they are from, and how large an upload may be. */
export async function getKinds(): Promise<
  { kinds: KindInfo[]; modules: ModuleInfo[]; limits: { max_upload: number } }
> {
  return await call("GET", "/kinds");
}

/** How large the store is, and how long it keeps what is over. */
export interface Info {
  /** `null` where it is no file. */
  store: { used_bytes: number; free_bytes: number; disk_free_bytes: number | null } | null;
  uploads_bytes: number | null;
  artifacts_bytes: number | null;
  retention_ms: { completed: number; failed: number; canceled: number };
  /** The longest that a task may be kept; 0 for as long as it likes. */
  max_keep_ms: number;
}

export async function getInfo(): Promise<Info> {
  return await call("GET", "/info");
}

/** What somebody did to a kind, or to tasks that are gone. */
export interface AuditEntry {
  action: string;
  by: string;
  /** ISO 8601. */
  at: string;
  task_id?: string;
  schedule_id?: string;
  reason?: string;
}

/** The newest first. */
export async function getAudit(kind: string): Promise<AuditEntry[]> {
  const path = `/kinds/${encodeURIComponent(kind)}/audit?limit=100`;
  const { entries } = await call<{ entries: AuditEntry[] }>("GET", path);
  return entries;
}

/** Has nothing more of a kind start. */
export async function pauseKind(kind: string, reason: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/pause`, { reason });
}

export async function resumeKind(kind: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/resume`);
}

/** A page of tasks, newest first. */
export async function getTasks(
  query: Record<string, string>,
): Promise<{ tasks: TaskRecord[]; next_cursor: string | null }> {
  return await call("GET", `/tasks?${new URLSearchParams(query)}`);
}

/** How many tasks there are in each state; `limit` of them may be more, and all where `partial`. */
export type Counts = Record<Status | "limit", number> & { partial?: true };

export async function getCounts(query: Record<string, string>): Promise<Counts> {
  return await call("GET", `/tasks/counts?${new URLSearchParams(query)}`);
}

export interface BulkResult {
  task_id: string;
  ok: boolean;
  error?: string;
}

/** Does the same with many tasks, a thousand at most. */
export async function changeTasks(
  action: "cancel" | "retry" | "delete",
  ids: readonly string[],
): Promise<BulkResult[]> {
  return (await call<{ results: BulkResult[] }>("POST", "/tasks/bulk", { action, ids })).results;
}

export async function getTask(id: string): Promise<TaskRecord> {
  return await call("GET", taskUrl(id));
}

/** What a record leaves out. */
export interface TaskDetails {
  task_id: string;
  /** What it was then: who runs it means nothing once it is another. */
  status: Status;
  input: unknown;
  /** What it last saved; `null` for nothing. */
  checkpoint: unknown;
  /** Milliseconds an attempt may take; `null` for as long as it likes. */
  timeout_ms: number | null;
  /** Whom webhooks tell of it, counted. */
  webhooks: number;
  /** How often it was interrupted. */
  interruptions: number;
  /** The process that runs it, as much as one may know; `null` where none does. */
  worker: { silent_ms: number; host?: string; pid?: number; role?: string } | null;
  /** Milliseconds of silence after which that process counts as dead. */
  lease_ms: number;
  /** Why no process runs a task that waits; `null` where one does. */
  unavailable: string | null;
  /** What keeps a task that waits from being started; `null` for nothing. */
  waits_for:
    | { type: "pause" } & PausedKind
    | {
      type: "concurrency";
      key: string | null;
      running: number;
      limit: number;
      until: string | null;
    }
    | { type: "rate"; key: string | null; limit: number; per_ms: number; until: string }
    | { type: "debounce"; key: string; until: string }
    | null;
  /** JSON Schema of the signal that it waits for; `null` where anything goes, or it waits for none. */
  signal_schema: unknown;
  /** From 1; `null` for one that does not wait. */
  queue_position: number | null;
  /** When it is likely to start; `null` where nobody can tell. */
  expected_start: string | null;
  /** How far it was at which time; `null` before its first attempt. */
  trace: Trace | null;
  /** Where the error was thrown; `null` for who may not see the code. */
  stack: string | null;
}

/** What a record leaves out. */
export async function getDetails(id: string): Promise<TaskDetails> {
  return await call("GET", `${taskUrl(id)}/details`);
}

/** What a webhook told, or has yet to tell, one of its targets. */
export interface DeliveryInfo {
  /** Counts those of the task. */
  n: number;
  event: "started" | "waiting" | "retrying" | "completed" | "failed" | "canceled";
  /** Of the target's address. */
  origin: string;
  state: "waiting" | "delivered" | "given_up";
  created_at: string;
  /** Not before; `null` where it has ended. */
  next_try_at: string | null;
  tries: number;
  /** The newest last. */
  attempts: { error: string | null }[];
}

/** The newest first. */
export async function getDeliveries(id: string): Promise<{ deliveries: DeliveryInfo[] }> {
  return await call("GET", `${taskUrl(id)}/deliveries`);
}

/** Has a webhook sent again, now. */
export async function resendDelivery(id: string, n: number): Promise<void> {
  await call("POST", `${taskUrl(id)}/deliveries/${n}/resend`);
}

/** A page of a task's stored rows. */
export async function getEvents(
  id: string,
  after: number,
  limit: number,
): Promise<{ events: { event: string; data: unknown }[]; next_after: number | null }> {
  return await call("GET", `${taskUrl(id)}/events?after=${after}&limit=${limit}`);
}

/** Submits a task. With the same `key` a second try makes no second task. */
export async function createTask(
  kind: string,
  input: unknown,
  key: string,
): Promise<TaskRecord> {
  return await call("POST", "/tasks", { kind, input }, { "idempotency-key": key });
}

/** Sends a signal that a task waits for. */
export async function sendSignal(id: string, name: string, value: unknown): Promise<void> {
  await call("POST", `${taskUrl(id)}/signals/${encodeURIComponent(name)}`, value ?? null);
}

export async function cancelTask(id: string): Promise<void> {
  await call("POST", `${taskUrl(id)}/cancel`);
}

/** Makes a task that failed or was canceled pending again, or a new one of one that completed. */
export async function retryTask(id: string): Promise<TaskRecord> {
  return await call("POST", `${taskUrl(id)}/retry`);
}

/** Says how long a finished task is kept; `null` as its kind and the server say. */
export async function keepTask(id: string, keep: number | "forever" | null): Promise<TaskRecord> {
  return await call("PATCH", taskUrl(id), { keep });
}

export async function deleteTask(id: string): Promise<void> {
  await call("DELETE", taskUrl(id));
}

/**
 * Uploads a file. `fetch` cannot tell how far a body has come.
 *
 * @param onprogress Takes the bytes sent.
 */
export function uploadFile(
  file: File,
  onprogress: (sent: number) => void,
  signal: AbortSignal,
): Promise<Upload> {
  const { promise, resolve, reject } = Promise.withResolvers<Upload>();
  const request = new XMLHttpRequest();
  request.open("POST", at(`/uploads?${new URLSearchParams({ name: file.name })}`));
  request.upload.onprogress = ({ loaded }) => onprogress(loaded);
  request.onload = () => {
    const body = parse(request.responseText);
    if (request.status === 201) resolve(body as Upload);
    else reject(refused(request.status, body));
  };
  request.onerror = () => reject(new ApiError(0, null));
  request.onabort = () => reject(signal.reason);
  signal.addEventListener("abort", () => request.abort());
  request.send(file);
  return promise;
}

export function taskUrl(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`;
}

/** Asks the server. What it refuses is an {@link ApiError}. */
export async function call<T>(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(at(url), {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new ApiError(0, null);
  }
  observeTime(response.headers.get("date"));
  if (!response.ok) throw refused(response.status, parse(text));
  return parse(text) as T;
}

function refused(status: number, problem: unknown): ApiError {
  if (status === 401) signedOut.value = true;
  return new ApiError(status, problem);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
