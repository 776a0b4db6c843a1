/**
 * Keeps stdout and stderr open. All tasks of a process share them, and to end or close them is a
 * habit of programs that have a process to themselves: `readable.pipeTo(Deno.stderr.writable)`.
 *
 * @module
 */

import type { Writable } from "node:stream";

/** Makes `close()` do nothing, and gives each caller of `writable` a stream of its own. */
export function keepFileOpen(
  file: Pick<typeof Deno.stdout, "write" | "close" | "writable">,
): void {
  file.close = () => {};
  Object.defineProperty(file, "writable", {
    configurable: true,
    get: () => new WritableStream<Uint8Array>({ write: (bytes) => writeAll(file, bytes) }),
  });
}

/** Makes `end()` only write, and `cork()` hold nothing back. */
export function keepStreamOpen(stream: Writable): void {
  const end = (...args: unknown[]) => {
    const done = args.find((arg) => typeof arg === "function");
    const [chunk, encoding = "utf8"] = args.filter((arg) => arg !== done) as [
      unknown,
      BufferEncoding?,
    ];
    if (chunk !== undefined && chunk !== null) stream.write(chunk, encoding);
    // `pipeline()` waits for the event, as others may.
    queueMicrotask(() => {
      stream.emit("finish");
      done?.();
    });
    return stream;
  };
  Object.assign(stream, { end, cork() {}, uncork() {} });
}

async function writeAll(
  file: Pick<typeof Deno.stdout, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
