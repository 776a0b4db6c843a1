/**
 * Runs a program: pipes an upload into it, reads its output, and stops it when the task ends. Tasks
 * may start only the programs that their permissions name:
 *
 *     HEADWAY_TASK_PERMISSIONS="--allow-read=. --allow-run=gzip" \
 *       HEADWAY_KINDS=./examples/kinds/subprocess.ts deno task start
 *
 * @module
 */

import { defineTask, progress } from "headway";
import { z } from "zod";

export const unpackedSize = defineTask({
  kind: "unpacked-size",
  description: "How large a gzip file is when it is unpacked",
  input: z.object({ upload: z.string().describe("The upload's id") }),
  async *run({ input, signal, upload, uploadInfo }) {
    const { size: packed } = await uploadInfo(input.upload);
    // A list of arguments and no shell: nothing in an input can become a command.
    const gzip = new Deno.Command("gzip", {
      args: ["--decompress", "--stdout"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal, // a cancel or a timeout stops the program
    }).spawn();
    let fed = 0;
    let unpacked = 0;
    try {
      // Input, output and errors at once: a program blocks if its output is not read.
      const problems = beginning(gzip.stderr);
      const counter = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          fed += piece.length;
          controller.enqueue(piece);
        },
      });
      const feeding = upload(input.upload).pipeThrough(counter).pipeTo(gzip.stdin, { signal })
        .then(() => undefined, (error) => error);
      for await (const piece of gzip.stdout) {
        unpacked += piece.length;
        yield progress({ done: fed, total: packed, unit: "bytes" });
      }
      const [{ code }, message, failure] = await Promise.all([gzip.status, problems, feeding]);
      signal.throwIfAborted();
      if (code !== 0) throw new Error(`gzip ended with ${code}: ${message}`, { cause: failure });
      if (failure !== undefined) throw failure;
      return { packed, unpacked };
    } finally {
      // However the task ends, the program must not outlive it.
      try {
        gzip.kill();
      } catch {
        // It has already exited.
      }
      await gzip.status;
    }
  },
});

/** Returns the first `length` characters of a stream. The rest is read and dropped. */
async function beginning(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  length = 1000,
): Promise<string> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    if (text.length < length) text += piece;
  }
  return text.slice(0, length).trim();
}
