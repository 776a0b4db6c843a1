/**
 * Errors that reach a client, and the one place that turns any error into a response.
 *
 * @module
 */

import { STATUS_TEXT, type StatusCode } from "@std/http";
import type { Logger } from "../base/log.ts";

export interface HttpErrorOptions {
  /** The part of the request that is wrong, such as `input.upload` or `Last-Event-ID`. */
  field?: string;
  /** Further members of the problem, such as the `task_status` of a 409. */
  extra?: Record<string, unknown>;
  /** Further headers, such as `Allow`. */
  headers?: Record<string, string>;
}

/** A request that cannot be answered as asked. The client is shown the sentence. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number;
  readonly options: HttpErrorOptions;

  constructor(status: number, sentence: string, options: HttpErrorOptions = {}) {
    super(sentence);
    this.status = status;
    this.options = options;
  }
}

/** The connection ended before the body did: the client broke off, or this server stops. */
export class CutShortError extends HttpError {
  override name = "CutShortError";

  constructor() {
    super(400, "The body was cut short", { field: "body" });
  }
}

/**
 * The response to an error, as `application/problem+json` [RFC 9457] with an `error` sentence.
 * Anything but an {@link HttpError} is logged in full; the client gets a plain 500.
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
