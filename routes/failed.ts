import type { Logger } from "../lib/base/log.ts";
import { CutShortError, errorResponse, HttpError } from "../lib/http/errors.ts";
import { TooManyReadsError } from "../lib/kv/reads.ts";
import { StoreError } from "../lib/store/store_error.ts";

export interface FailedOptions {
  log: Logger;
  /** Whether this server stops. @default {false} */
  stopping?: boolean;
}

/** The response to a request whose handler threw `error`. */
export function failed(error: unknown, { log, stopping = false }: FailedOptions): Response {
  return errorResponse(passing(error, stopping) ?? error, log);
}

/** What passes by itself: this process stops or starts over, or too many ask. */
function passing(error: unknown, stopping: boolean): HttpError | null {
  // `Deno.serve` closes the bodies of HTTP/1.1 requests as soon as it shuts down.
  if (error instanceof CutShortError && stopping) {
    return later("This server stopped before the body was complete: send it again");
  }
  const stops = error instanceof StoreError && error.reason !== "refused";
  if (!stops && !(error instanceof TooManyReadsError)) return null;
  return later(stops ? "This server takes no writes now: try again in a moment" : error.message);
}

function later(sentence: string): HttpError {
  return new HttpError(503, sentence, { headers: { "retry-after": "1" } });
}
