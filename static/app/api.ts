/**
 * Requests to the server, and what it refuses.
 *
 * @module
 */

import { observeTime } from "./clock.ts";
import { at } from "./root.ts";
import { signedOut } from "./session.ts";
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

/** What the server, or the way to it, refused. */
export function refused(status: number, problem: unknown): ApiError {
  if (status === 401) signedOut.value = true;
  return new ApiError(status, problem);
}

/** A body; `null` where it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
