/**
 * Sends requests to the server, and turns its refusals into errors.
 *
 * @module
 */

import { observeTime } from "./clock.ts";
import { at } from "./root.ts";
import { signedOut } from "./session.ts";
import { strings } from "../i18n/strings.ts";

/** A request that failed: refused, or without a response. The message is shown to the user. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** What is wrong with each field of the request, by its path, such as `input.steps`. */
  readonly fields: ReadonlyMap<string, string>;

  /** `problem` is the parsed body of the response: an RFC 9457 problem, or anything else. */
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

/** Sends a request, and returns the parsed JSON of its response. Fails with an {@link ApiError}. */
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

/** The error for a response that is not ok. A 401 also makes the page ask for a token. */
export function refused(status: number, problem: unknown): ApiError {
  if (status === 401) signedOut.value = true;
  return new ApiError(status, problem);
}

/** Parses the body of a response; `null` if it is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
