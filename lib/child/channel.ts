/**
 * The channel between a server and one of its task processes: frames, over a pair of sockets that
 * the system made for the two. Stdin, stdout and stderr stay free for the tasks.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { concat } from "../base/bytes.ts";
import {
  encodeBytesFrame,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FromTasks,
  type ToTasks,
} from "./protocol.ts";

/** The file descriptor under which a task process finds its end. */
export const CHANNEL_FD = 3;

/** Bytes that may wait for the other side: if more pile up, it does not read. */
const MAX_WAITING = 64 * 1024 * 1024;

/** What goes out in one write. */
interface Sending {
  readonly frames: Uint8Array[];
  readonly done: PromiseWithResolvers<void>;
}

export class Channel<In extends ToTasks | FromTasks, Out extends ToTasks | FromTasks> {
  readonly #socket: Duplex;
  readonly #ended = Promise.withResolvers<void>();
  #gathered: Sending | null = null;
  #waiting = 0;
  #writing = false;
  #ending = false;

  /** Reads frames from one end. If `onframe` throws, the other side has broken the protocol. */
  constructor(socket: Duplex, onframe: (frame: Frame<In>) => void) {
    this.#socket = socket;
    const decoder = new FrameDecoder<In>();
    socket.on("data", (chunk: Uint8Array) => {
      try {
        // Node's buffers are Uint8Arrays whose slices are views.
        const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        for (const frame of decoder.push(bytes)) onframe(frame);
      } catch (error) {
        this.#fail(error);
      }
    });
    // A process's end closes with it; in which way does not matter.
    for (const event of ["end", "close", "error"]) socket.on(event, () => this.#ended.resolve());
    this.#ended.promise.catch(() => {});
  }

  /** Resolves when the other side sends no more; rejects if it breaks the protocol. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(message: Out): void {
    void this.#write(encodeFrame(message));
  }

  /** Sends an upload's bytes. Resolves when the system has taken them. */
  sendBytes(number: number, bytes: Uint8Array): Promise<void> {
    return this.#write(encodeBytesFrame(number, bytes));
  }

  /** Sends nothing more, and still receives. */
  end(): void {
    this.#ending = true;
    if (!this.#writing) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#gathered?.done.resolve();
    this.#gathered = null;
  }

  #fail(error: unknown): void {
    this.#ended.reject(error);
    this.destroy();
  }

  #write(frame: Uint8Array): Promise<void> {
    if (this.#ending || !this.#socket.writable) return Promise.resolve();
    this.#gathered ??= { frames: [], done: Promise.withResolvers() };
    const { frames, done } = this.#gathered;
    frames.push(frame);
    this.#waiting += frame.length;
    if (this.#waiting > MAX_WAITING) this.#fail(new Error("the other side does not read"));
    else if (!this.#writing) void this.#drain();
    return done.promise;
  }

  /** Frames that are sent in one moment, or during a write, go out in one write. */
  async #drain(): Promise<void> {
    this.#writing = true;
    await Promise.resolve();
    while (this.#gathered !== null) {
      const { frames, done } = this.#gathered;
      this.#gathered = null;
      const bytes = concat(frames);
      // An error ends the socket, which has an event for that.
      await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
      this.#waiting -= bytes.length;
      done.resolve();
    }
    this.#writing = false;
    if (this.#ending) this.#socket.end();
  }
}
