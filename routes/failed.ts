import type { Logger } from "../lib/base/log.ts";
import { errorResponse, HttpError } from "../lib/http/errors.ts";
import { TooManyReadsError } from "../lib/kv/reads.ts";
import { StoreError } from "../lib/store/store_error.ts";

/** The response to a request whose handler threw `error`. */
export function failed(error: unknown, log: Logger): Response {
  return errorResponse(passing(error) ?? error, log);
}

/** What passes by itself: this process stops or starts over, or too many ask. */
function passing(error: unknown): HttpError | null {
  const stops = error instanceof StoreError && error.reason !== "refused";
  if (!stops && !(error instanceof TooManyReadsError)) return null;
  const sentence = stops ? "This server takes no writes now: try again in a moment" : error.message;
  return new HttpError(503, sentence, { headers: { "retry-after": "1" } });
}
