/**
 * Sends one webhook. The connection goes to the very address that was checked: the name is resolved
 * once, so that it cannot lead elsewhere a moment later.
 *
 * @module
 */

import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { deadline } from "../base/deadline.ts";
import { unlessAborted } from "../base/unless_aborted.ts";
import { cut } from "../task/text.ts";
import { literalAddress, type Reach } from "./reach.ts";

export interface Address {
  address: string;
  family: number;
}

export interface PostOptions {
  readonly reach: Reach;
  /** The addresses of a name. @default {as the system knows them} */
  readonly resolve?: ((hostname: string) => Promise<Address[]>) | undefined;
  /** Milliseconds that all of it may take. @default {10_000} */
  readonly timeoutMs?: number | undefined;
  /** PEM of further authorities to trust, for tests. */
  readonly ca?: string | undefined;
}

export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
  /** Milliseconds for which the target asks for no retry; `null` for none. */
  readonly retryAfterMs: number | null;
}

/** Why there was no response, in a sentence that may be shown to whoever may see the task. */
export class PostError extends Error {
  override name = "PostError";
  /** Whether the host was asked, but did not answer. */
  readonly silent: boolean;

  constructor(message: string, silent: boolean) {
    super(message);
    this.silent = silent;
  }
}

/** Milliseconds that a delivery may take. */
const TIMEOUT_MS = 10_000;

/** Milliseconds that the beginning of a response's body may take. */
const BODY_MS = 1000;

/** Most bytes read of a response's body, and characters kept of it. */
const MAX_READ = 4096;
const MAX_KEPT = 300;

/** Most bytes of a response's headers. */
const MAX_HEADERS = 16 * 1024;

/** Most milliseconds for which a target may ask for no retry. */
const MAX_AFTER_MS = 3600_000;

/**
 * Posts a body.
 *
 * @throws {PostError} If there is no response in time, or the host leads to where nothing may be sent.
 * @throws {unknown} The reason of the signal.
 */
export async function post(
  url: URL,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  options: PostOptions,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const { timeoutMs = TIMEOUT_MS } = options;
  const over = new AbortController();
  const sending = send(url, body, headers, options, over.signal);
  try {
    return await deadline(unlessAborted(sending, signal), timeoutMs, () => {
      throw new PostError(`There was no answer within ${timeoutMs / 1000} s`, true);
    });
  } finally {
    over.abort();
    // It ends now; what it rejects with does not matter any more.
    await sending.catch(() => {});
  }
}

async function send(
  url: URL,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  options: PostOptions,
  over: AbortSignal,
): Promise<Answer> {
  const addresses = await unlessAborted(checkedAddresses(url, options), over);
  const { request } = url.protocol === "https:"
    ? await import("node:https")
    : await import("node:http");
  over.throwIfAborted();
  const answered = Promise.withResolvers<IncomingMessage>();
  const asked: RequestOptions & { ca?: string } = {
    method: "POST",
    // A new connection: a kept one may have been checked for another name.
    agent: false,
    maxHeaderSize: MAX_HEADERS,
    headers: { ...headers, "content-length": String(body.length), connection: "close" },
    lookup: (_hostname, { all }, done) => {
      if (all) done(null, addresses);
      else done(null, addresses[0]!.address, addresses[0]!.family);
    },
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
  const asking: ClientRequest = request(url, asked, answered.resolve);
  const end = () => asking.destroy();
  over.addEventListener("abort", end);
  // Stays on after the response: an unhandled error event would end the process.
  asking.on("error", (error) => answered.reject(new PostError(whyNot(error), true)));
  try {
    asking.end(body);
    const response = await unlessAborted(answered.promise, over);
    const text = await beginningOf(response, over);
    return {
      status: response.statusCode ?? 0,
      text,
      retryAfterMs: retryAfter(response.headers["retry-after"]),
    };
  } finally {
    over.removeEventListener("abort", end);
    asking.destroy();
  }
}

/** The addresses of a URL's host, all of which may be connected to. */
async function checkedAddresses(url: URL, { reach, resolve = system }: PostOptions) {
  const { hostname } = url;
  if (reach.refuses(url)) throw new PostError("Its address is not a public one", false);
  const literal = literalAddress(hostname);
  if (literal !== null) return [{ address: literal, family: literal.includes(":") ? 6 : 4 }];
  let addresses: Address[];
  try {
    addresses = await resolve(hostname);
  } catch {
    throw new PostError("Its host name has no address", true);
  }
  if (addresses.length === 0) throw new PostError("Its host name has no address", true);
  // A name with one address that is not allowed may be an attack: none of them is used.
  if (!reach.trusts(hostname) && !addresses.every(({ address }) => reach.allows(address))) {
    throw new PostError("Its host name has an address that is not a public one", false);
  }
  return addresses;
}

async function system(hostname: string): Promise<Address[]> {
  const { lookup } = await import("node:dns/promises");
  return await lookup(hostname, { all: true });
}

/** The beginning of a response's body, or what came of it in time: the status is what counts. */
async function beginningOf(response: IncomingMessage, over: AbortSignal): Promise<string> {
  const bytes = new Uint8Array(MAX_READ);
  let length = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.on("data", (chunk: Uint8Array) => {
    const part = chunk.subarray(0, MAX_READ - length);
    bytes.set(part, length);
    length += part.length;
    if (length === MAX_READ) resolve();
  });
  for (const event of ["end", "close", "error", "aborted"]) response.on(event, () => resolve());
  over.addEventListener("abort", () => resolve(), { once: true });
  await deadline(promise, BODY_MS, () => {});
  response.destroy();
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  // deno-lint-ignore no-control-regex -- what a terminal or a log would obey
  return cut(text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim(), MAX_KEPT);
}

/** Reads `Retry-After`, seconds or a date [RFC 9110, 10.2.3], as milliseconds. */
function retryAfter(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, MAX_AFTER_MS) : null;
}

/** What may be told of an error: no address, and nothing about the network behind the server. */
function whyNot(error: Error & { code?: unknown }): string {
  const { code, message } = error;
  if (code === "ECONNREFUSED") return "The connection was refused";
  if (code === "ECONNRESET" || code === "EPIPE") return "The connection broke";
  if (code === "ENETUNREACH" || code === "EHOSTUNREACH") return "It cannot be reached";
  if (/certificate|tls|ssl|handshake/i.test(message)) return "Its certificate is not trusted";
  if (/parse|header|HPE_/i.test(`${message} ${code}`)) return "Its answer is not HTTP";
  return "The connection failed";
}
