/**
 * Errors that reach a client, and the one place that turns any error into a response.
 *
 * @module
 */

import { STATUS_TEXT, type StatusCode } from "@std/http";
import type { Logger } from "../base/log.ts";

/** What {@link HttpError} takes beside its sentence. */
export interface HttpErrorOptions {
  /** The part of the request that is wrong, as `input.upload` or `Last-Event-ID`. */
  field?: string;
  /** Further members of the problem, as the `task_status` of a 409. */
  extra?: Record<string, unknown>;
  /** Further headers, as `Allow`. */
  headers?: Record<string, string>;
}

/** A request that cannot be answered as asked: a status and a sentence that helps. */
export class HttpError extends Error {
  /** Tells it from other errors. */
  override name = "HttpError";
  /** The HTTP status. */
  readonly status: number;
  /** See {@link HttpErrorOptions}. */
  readonly options: HttpErrorOptions;

  /** The sentence is shown to the client. */
  constructor(status: number, sentence: string, options: HttpErrorOptions = {}) {
    super(sentence);
    this.status = status;
    this.options = options;
  }
}

/**
 * The response to an error, as `application/problem+json` [RFC 9457] with an `error` sentence.
 * What is not an {@link HttpError} goes to the log in full, and to the client as a plain 500.
 */
export function errorResponse(error: unknown, log: Logger): Response {
  if (!(error instanceof HttpError)) {
    log.error("request failed", { error });
    error = new HttpError(500, "Something went wrong here; the server's log says what");
  }
  const { status, message, options } = error as HttpError;
  const problem = {
    type: "about:blank",
    title: STATUS_TEXT[status as StatusCode],
    status,
    detail: message,
    error: message,
    ...(options.field === undefined ? {} : { field: options.field }),
    ...options.extra,
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...options.headers,
    },
  });
}
