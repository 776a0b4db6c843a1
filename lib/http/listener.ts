/**
 * A listening server that keeps listening: `Deno.serve` gives up at the first connection that it
 * cannot accept, as when all file descriptors are in use, and takes the process with it. The
 * certificate can be renewed while it listens.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";

export interface ListenerOptions {
  hostname: string;
  /** The port; 0 takes a free one. */
  port: number;
  /** PEM texts, for HTTPS and HTTP/2; `null` for plain HTTP. */
  certificate?: { cert: string; key: string } | null;
  handler: Deno.ServeHandler<Deno.NetAddr>;
  log: Logger;
}

/** Milliseconds before it tries again: some file descriptors may be free by then. */
const AGAIN_MS = 200;

/** Milliseconds between two tries to take over the port that was just released, and their number. */
const TAKE_OVER_MS = 1;
const TAKE_OVER_TRIES = 500;

export class Listener {
  readonly address: Deno.NetAddr;
  #options: ListenerOptions;
  /** Servers of earlier certificates, until their last connection has ended. */
  readonly #outdated = new Set<Promise<void>>();
  #server: Deno.HttpServer<Deno.NetAddr>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Starts to listen.
   *
   * @throws {Deno.errors.AddrInUse} If another program has the port.
   */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = this.#serve(options.port);
    this.address = this.#server.addr;
  }

  /** Such as `http://127.0.0.1:8000`. */
  get url(): string {
    const { hostname, port } = this.address;
    const scheme = this.#options.certificate ? "https" : "http";
    return `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /**
   * New connections get another certificate; open ones go on. `Deno.serve` cannot change its
   * certificate, so a new server takes over the port. For the few milliseconds in between, new
   * connections are refused.
   */
  renew(certificate: { cert: string; key: string }): void {
    this.#options = { ...this.#options, certificate };
    // If it waits to listen again, it does so with the new one.
    if (this.#closed || this.#timer !== undefined) return;
    const outdated = this.#server.shutdown().finally(() => this.#outdated.delete(outdated));
    this.#outdated.add(outdated);
    this.#later(TAKE_OVER_MS, TAKE_OVER_TRIES);
  }

  /** Accepts no more connections. Resolves when the last request is answered. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#server.shutdown(), ...this.#outdated]);
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, certificate, handler, log } = this.#options;
    const server = Deno.serve({
      ...certificate,
      hostname,
      port,
      onListen: () => {},
      onError: (error) => {
        log.error("a response failed", { error });
        return new Response(null, { status: 500 });
      },
    }, handler);
    // Open connections go on.
    server.finished.catch((error) => {
      log.error("no connection can be accepted; trying again soon", { error: String(error) });
      this.#later();
    });
    return server;
  }

  /** @param quietly How often it may fail without being logged. */
  #later(ms = AGAIN_MS, quietly = 0): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#server = this.#serve(this.address.port);
      } catch (error) {
        if (quietly > 0) return this.#later(ms, quietly - 1);
        this.#options.log.error("listening again failed", { error });
        this.#later();
      }
    }, ms);
  }
}
