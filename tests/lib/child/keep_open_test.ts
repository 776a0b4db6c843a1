import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { assertEquals } from "@std/assert";
import { keepFileOpen, keepStreamOpen } from "../../../lib/child/keep_open.ts";

/** A stream that is kept open, and what was written to it. */
function openStream(): { stream: Writable; written: string[] } {
  const written: string[] = [];
  const stream = new Writable({
    // As stdout has it.
    emitClose: false,
    write(chunk: Uint8Array, _encoding, done) {
      written.push(new TextDecoder().decode(chunk));
      done();
    },
  });
  keepStreamOpen(stream);
  return { stream, written };
}

Deno.test("keepStreamOpen() leaves a stream open that is ended, in whatever way, or corked", async () => {
  const { stream, written } = openStream();
  let finished = 0;
  stream.on("finish", () => finished++);
  stream.cork();
  stream.end();
  await new Promise<void>((resolve) => stream.end(resolve));
  await new Promise<void>((resolve) => stream.end("a", resolve));
  await new Promise<void>((resolve) => stream.end("Yg==", "base64", resolve));
  await pipeline(["c", "d"], stream);
  stream.write("e");
  assertEquals([written, finished], [["a", "b", "c", "d", "e"], 5]);
});

Deno.test("keepFileOpen() leaves a file open that is closed or piped to, and writes all of each chunk", async () => {
  let text = "";
  const file = {
    // A pipe takes a part of what it is given.
    write(bytes: Uint8Array) {
      text += new TextDecoder().decode(bytes.subarray(0, 2));
      return Promise.resolve(Math.min(2, bytes.length));
    },
    close: () => {
      throw new Error("It was closed");
    },
    writable: new WritableStream<Uint8Array<ArrayBufferLike>>(),
  };
  keepFileOpen(file);
  for (const piped of ["one, ", "two"]) await new Response(piped).body!.pipeTo(file.writable);
  file.close();
  assertEquals(text, "one, two");
});
