/**
 * Readers of event streams: one by the standard, and one for the bytes on the wire.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import { HANG_MS, within } from "./deadline.ts";

/** An event, as an EventSource would fire it. */
export interface ReadEvent {
  /** The last event id, which stays the same until an event has another one. */
  id: string;
  /** `message` when it has no name. */
  event: string;
  data: string;
}

export interface OpenOptions {
  /** Sent as `Last-Event-ID`. */
  lastEventId?: string;
  headers?: Record<string, string>;
  /** The HTTP client to connect with. */
  client?: Deno.HttpClient;
}

/** Reads an event stream to its end, and keeps all events. */
export class StreamReader implements AsyncDisposable {
  readonly response: Response;
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  /** The last event id, as a reconnect would send it: blocks without data change it, too. */
  lastEventId: string;
  retry: number | null = null;
  /** What the parser could not read: nothing, if the server is correct. */
  readonly errors: Error[] = [];
  /** Whether the stream has ended, at the server or by `close()`. */
  ended = false;
  /** The error, if it did not end cleanly. */
  broken: unknown;
  readonly closed: Promise<void>;

  readonly #abort: AbortController;
  #changed = Promise.withResolvers<void>();

  constructor(response: Response, abort: AbortController, lastEventId: string) {
    this.response = response;
    this.lastEventId = lastEventId;
    this.#abort = abort;
    this.closed = this.#read();
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onId: (id) => this.lastEventId = id,
      onEvent: ({ event = "message", data }) =>
        this.events.push({ id: this.lastEventId, event, data }),
      onComment: (comment) => this.comments.push(comment),
      onRetry: (retry) => this.retry = retry,
      onError: (error) => this.errors.push(error),
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        this.#notify();
      }
    } catch (error) {
      this.broken = error;
    }
    this.ended = true;
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Waits until `predicate` holds; it is evaluated after each chunk.
   *
   * @throws {Error} After the deadline, or when the stream has ended before.
   */
  async until(predicate: (reader: this) => boolean): Promise<this> {
    const end = Date.now() + HANG_MS;
    while (!predicate(this)) {
      if (this.ended) throw new Error(`The stream ended too soon: ${this.#summary()}`);
      await within(this.#changed.promise, () => this.#summary(), end - Date.now());
    }
    return this;
  }

  /** Waits for `count` events, and returns the first `count`. */
  async collect(count: number): Promise<ReadEvent[]> {
    await this.until((it) => it.events.length >= count);
    return this.events.slice(0, count);
  }

  /** Waits for the server to end the stream, and returns every event. */
  async all(): Promise<ReadEvent[]> {
    await within(this.closed, () => this.#summary());
    return this.events;
  }

  /** The parsed data of every event of this name. */
  // deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
  data(event: string): any[] {
    return this.events.filter((it) => it.event === event).map((it) => JSON.parse(it.data));
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #summary(): string {
    const last = this.events.slice(-3).map((it) => JSON.stringify(it).slice(0, 300)).join("\n");
    return `${this.response.status}, ${this.events.length} events, the last:\n${last}`;
  }
}

/** Opens an event stream, whatever the status of the answer is. */
export async function openStream(
  url: string | URL,
  { lastEventId, headers = {}, client }: OpenOptions = {},
): Promise<StreamReader> {
  const abort = new AbortController();
  const response = await fetch(url, {
    ...(client ? { client } : {}),
    signal: abort.signal,
    headers: {
      accept: "text/event-stream",
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      ...headers,
    },
  });
  return new StreamReader(response, abort, lastEventId ?? "");
}

/** The bytes of a request, for a raw connection. */
export function requestBytes(
  url: string | URL,
  { method = "GET", headers = {}, version = "HTTP/1.1" }: {
    method?: string;
    headers?: Record<string, string>;
    version?: string;
  } = {},
): Uint8Array {
  const { pathname, search, host } = new URL(url);
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`);
  return new TextEncoder().encode(
    [`${method} ${pathname}${search} ${version}`, ...lines, "", ""].join("\r\n"),
  );
}

/** A TCP connection that reads only when it is told to. */
export class RawConnection implements Disposable {
  readonly socket: Deno.TcpConn;
  /** Everything read so far, one character a byte. */
  text = "";
  #closed = false;

  constructor(socket: Deno.TcpConn) {
    this.socket = socket;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.socket.write(bytes.subarray(at));
  }

  /** Reads up to 64 KiB more; `false` at the end, after a reset too. */
  async read(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.socket.read(buffer).catch(() => null);
    if (count === null) return false;
    this.text += latin1(buffer.subarray(0, count));
    return true;
  }

  /** Reads until the text contains `part`, or returns `false` when the connection ends before. */
  async until(part: string): Promise<boolean> {
    while (!this.text.includes(part)) if (!await this.read()) return false;
    return true;
  }

  /** Reads to the end of the connection. */
  async toEnd(): Promise<string> {
    while (await this.read());
    return this.text;
  }

  /** The status line and header lines. */
  get head(): string {
    return this.text.slice(0, this.text.indexOf("\r\n\r\n"));
  }

  /** The chunked body so far, decoded; `complete` once its last chunk has come. */
  body(): { text: string; complete: boolean } {
    const start = this.text.indexOf("\r\n\r\n");
    if (start < 0) return { text: "", complete: false };
    const raw = this.text.slice(start + 4);
    if (!/^transfer-encoding: chunked/im.test(this.head)) return { text: raw, complete: true };
    let text = "";
    for (let at = 0;;) {
      const line = raw.indexOf("\r\n", at);
      if (line < 0) return { text, complete: false };
      const size = parseInt(raw.slice(at, line), 16);
      if (size === 0) return { text, complete: true };
      text += raw.slice(line + 2, line + 2 + size);
      at = line + 4 + size;
      if (at > raw.length) return { text, complete: false };
    }
  }

  /** Closes it. With bytes unread the peer sees a reset. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Connects and sends a request, without reading any of the answer. */
export async function openRaw(
  url: string | URL,
  options: Parameters<typeof requestBytes>[1] = {},
): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const raw = new RawConnection(await Deno.connect({ hostname, port: Number(port) }));
  await raw.write(requestBytes(url, options));
  return raw;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}
