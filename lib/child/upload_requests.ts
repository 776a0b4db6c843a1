/**
 * Reads uploads for tasks: asks the server for them, chunk by chunk.
 *
 * @module
 */

import type { FromTasks } from "./protocol.ts";
import type { UploadInfo } from "../task/context.ts";

export class UploadRequests {
  readonly #send: (message: FromTasks) => void;
  readonly #infos = new Map<number, (info: UploadInfo | null) => void>();
  readonly #chunks = new Map<number, (bytes: Uint8Array) => void>();
  #request = 0;

  constructor(send: (message: FromTasks) => void) {
    this.#send = send;
  }

  receiveInfo(request: number, info: UploadInfo | null): void {
    this.#infos.get(request)?.(info);
    this.#infos.delete(request);
  }

  /** Takes a chunk of an upload; an empty one means that there is no such chunk. */
  receiveBytes(request: number, bytes: Uint8Array): void {
    this.#chunks.get(request)?.(bytes);
    this.#chunks.delete(request);
  }

  /** Describes an upload. Rejects with `NotFound` if there is none. */
  info(upload: string): Promise<UploadInfo> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<UploadInfo | null>();
    this.#infos.set(request, resolve);
    this.#send({ type: "info", request, upload });
    return promise.then((info) => info ?? Promise.reject(gone(upload)));
  }

  /** The bytes of an upload from an offset on. */
  stream(upload: string, offset: number, signal: AbortSignal): ReadableStream<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new RangeError(
        `Cannot read an upload as 'offset' must be a whole number from 0: current value is ${offset}`,
      );
    }
    let at = offset;
    let size: number | null = null;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        size ??= (await this.info(upload)).size;
        signal.throwIfAborted();
        if (at >= size) return controller.close();
        const bytes = await this.#chunk(upload, at);
        if (bytes.length === 0) throw gone(upload);
        at += bytes.length;
        controller.enqueue(bytes);
      },
    }, { highWaterMark: 2 });
  }

  #chunk(upload: string, offset: number): Promise<Uint8Array> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#chunks.set(request, resolve);
    this.#send({ type: "chunk", request, upload, offset });
    return promise;
  }
}

function gone(upload: string): Error {
  const error = new Error(`There is no upload ${upload}: it was removed, or never made`);
  error.name = "NotFound";
  return error;
}
