/**
 * A listening server that goes on listening: `Deno.serve` gives up at the first connection it cannot
 * accept, as when all file descriptors are in use, and takes the process with it.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";

/** What {@link Listener} takes. */
export interface ListenerOptions {
  /** The address. */
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** What it shows to speak HTTPS and HTTP/2; `null` for plain HTTP. */
  certificate?: { cert: string; key: string } | null;
  /** Answers. */
  handler: Deno.ServeHandler<Deno.NetAddr>;
  /** Where trouble is told. */
  log: Logger;
}

/** Milliseconds before it tries again: there may be room by then. */
const AGAIN_MS = 200;

/** See the module. */
export class Listener {
  /** Where it listens. */
  readonly address: Deno.NetAddr;
  readonly #options: ListenerOptions;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Listens from now on.
   *
   * @throws {Deno.errors.AddrInUse} If somebody else does.
   */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = this.#serve(options.port);
    this.address = this.#server.addr;
  }

  /** As `http://127.0.0.1:8000`. */
  get url(): string {
    const { hostname, port } = this.address;
    const scheme = this.#options.certificate ? "https" : "http";
    return `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /** Takes no more connections. Resolves when the last request was answered. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#server.shutdown();
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, certificate, handler, log } = this.#options;
    const server = Deno.serve({
      ...certificate,
      hostname,
      port,
      onListen: () => {},
      onError: (error) => {
        log.error("a response broke", { error });
        return new Response(null, { status: 500 });
      },
    }, handler);
    // Connections that there are live on.
    server.finished.catch((error) => {
      log.error("no connection can be accepted, soon tried again", { error: String(error) });
      this.#later();
    });
    return server;
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      try {
        this.#server = this.#serve(this.address.port);
      } catch (error) {
        this.#options.log.error("listening again failed", { error });
        this.#later();
      }
    }, AGAIN_MS);
  }
}
