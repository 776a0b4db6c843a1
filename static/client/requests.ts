/**
 * Single requests: to submit, upload and cancel.
 *
 * @module
 */

import type {
  InputOf,
  KindOf,
  RequestOptions,
  ResultOf,
  SubmitOptions,
  SubmittedTask,
  Token,
  Upload,
  UploadOptions,
} from "./client.d.ts";

/** Milliseconds that a request may take. The server holds a cancel for up to two seconds. */
const REQUEST_MS = 30_000;

/** A request was refused by the server, or got no answer. */
export class HeadwayError extends Error {
  override name = "HeadwayError";
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The part of the request that was wrong, such as `input.steps`; `null` for none. */
  readonly field: string | null;

  /** Creates an error with the server's own message. */
  constructor(status: number, message: string, field: string | null = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/**
 * The server's address, without a slash at its end: `base`, or else where this script is from.
 *
 * @throws {TypeError} If it is not an HTTP address.
 */
export function serverUrl(base: string | URL | undefined, script: string): string {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const url = base === undefined ? URL.parse(".", script) : URL.parse(base, page);
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new TypeError(`Cannot tell where Headway is: 'base' must be its http:// address`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** The `Authorization` header for a token; no header without one. */
export async function bearer(token: Token | undefined): Promise<Record<string, string>> {
  const text = typeof token === "function" ? await token() : token;
  return text ? { authorization: `Bearer ${text}` } : {};
}

/** The error in a response that refuses a request. */
export async function refusal(response: Response): Promise<HeadwayError> {
  const problem = await response.json().catch(() => null);
  const { status } = response;
  const message = typeof problem?.error === "string"
    ? problem.error
    : `The server answered with status ${status}`;
  return new HeadwayError(status, message, problem?.field ?? null);
}

export function submit<Task = unknown>(
  kind: KindOf<Task>,
  input?: InputOf<Task>,
  options: SubmitOptions = {},
): Promise<SubmittedTask<ResultOf<Task>>> {
  return post("/tasks", options, submission(kind, input, options));
}

/** The request that submits a task, without its address. */
export function submission(
  kind: string,
  input: unknown,
  { priority, delayMs, maxAttempts, timeoutMs, owner, tags, notify, keep, idempotencyKey }:
    SubmitOptions,
): RequestInit {
  const body = {
    kind,
    input,
    priority,
    delay_ms: delayMs,
    max_attempts: maxAttempts,
    timeout_ms: timeoutMs,
    owner,
    tags,
    notify,
    keep,
  };
  return {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/json",
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    },
  };
}

/** Uploads a file, or anything else that `fetch` takes as a body. */
export function upload(
  content: Exclude<BodyInit, FormData | URLSearchParams>,
  { name, owner, ...options }: UploadOptions = {},
): Promise<Upload> {
  const called = name ?? (content instanceof File ? content.name : undefined);
  const query = new URLSearchParams({
    ...(called === undefined ? {} : { name: called }),
    ...(owner === undefined ? {} : { owner }),
  });
  return post(query.size === 0 ? "/uploads" : `/uploads?${query}`, options, {
    body: content,
    headers: { "content-type": "application/octet-stream" },
    // A stream as a body requires it. The request has no time-out.
    ...{ duplex: "half" },
  }, Infinity);
}

export async function cancel(id: string, options: RequestOptions = {}): Promise<void> {
  await post(`/tasks/${encodeURIComponent(id)}/cancel`, options);
}

async function post<T>(
  path: string,
  { base, token, signal, fetch: send = fetch }: RequestOptions,
  { headers, ...init }: RequestInit = {},
  withinMs = REQUEST_MS,
): Promise<T> {
  const server = serverUrl(base, import.meta.url);
  const ends = [
    ...(signal ? [signal] : []),
    ...(withinMs < Infinity ? [AbortSignal.timeout(withinMs)] : []),
  ];
  try {
    const response = await send(server + path, {
      ...init,
      method: "POST",
      headers: { ...headers as Record<string, string>, ...await bearer(token) },
      signal: AbortSignal.any(ends),
    });
    if (!response.ok) throw await refusal(response);
    return await response.json();
  } catch (error) {
    if (error instanceof HeadwayError) throw error;
    signal?.throwIfAborted();
    throw new HeadwayError(0, `There is no answer from ${server}`);
  }
}
