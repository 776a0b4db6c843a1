/**
 * Tasks that print, read and write wherever a process can.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what they are for

import fs from "node:fs";
import net from "node:net";
import process, { kill } from "node:process";
import { pipeline } from "node:stream/promises";
import { Worker as Thread } from "node:worker_threads";
import { defineTask, log, output, pause, save } from "headway";
import { encodeFrame, type RunEvent } from "../../lib/child/protocol.ts";

/** This module's address, for `HEADWAY_KINDS`. */
export const NOISY_KINDS: string = new URL(import.meta.url).href;

const encoder = new TextEncoder();

function nobody(): never {
  throw new Error("by a stray timer");
}

/** Prints in every way there is, reads stdin, and goes on. */
export const prints = defineTask({
  kind: "prints-everywhere",
  async *run() {
    console.log("by console.log");
    console.error("by console.error");
    console.table([{ way: "by console.table" }]);
    console.dir("by console.dir");
    console.count("by console.count");
    setTimeout(() => console.log("by a timer"));
    setTimeout(() => nobody());
    void Promise.reject(new Error("by a rejection"));
    process.stdout.write("by half ");
    process.stdout.write("a line\n");
    process.stdout.write("by process.stdout\n");
    process.stderr.write("by process.stderr\n");
    await Deno.stdout.write(encoder.encode("by Deno.stdout\n"));
    Deno.stderr.writeSync(encoder.encode("by Deno.stderr\n"));
    fs.writeSync(1, "by node:fs\n");
    const printer = new Worker("data:text/javascript,console.log('by a Worker');postMessage(0)", {
      type: "module",
    });
    await new Promise((resolve) => printer.onmessage = resolve);
    printer.terminate();
    await new Deno.Command("echo", { args: ["by a program"], stdout: "inherit" }).output();
    const thread = new Thread("console.log('by a thread')", { eval: true });
    await new Promise((resolve) => thread.on("exit", resolve));
    await new Deno.Command("sh", {
      args: ["-c", "timeout 1 cat; echo by a reader"],
      stdout: "inherit",
    })
      .output();
    const read = await Deno.stdin.read(new Uint8Array(10));
    process.stdout.end("at last");
    yield log("still here");
    return { read };
  },
});

/** Ends and closes all that the process prints with, as if it were this task's alone. */
export const closes = defineTask({
  kind: "closes-output",
  async *run() {
    for (const [name, stream] of Object.entries({ out: process.stdout, err: process.stderr })) {
      stream.cork();
      await new Promise<void>((resolve) => stream.end(`ended ${name}\n`, "utf8", resolve));
      stream.write(`${name} goes on\n`);
      await pipeline([`piped into ${name}\n`], stream);
      stream.destroy();
      stream.write(`${name} goes on still\n`);
    }
    for (const [name, file] of Object.entries({ out: Deno.stdout, err: Deno.stderr })) {
      await new Response(`piped into Deno.std${name}\n`).body!.pipeTo(file.writable);
      file.close();
      await file.write(encoder.encode(`Deno.std${name} goes on\n`));
    }
    yield log("closed");
  },
});

/** Frames that would give other runs rows and ends. */
function forgeries(): Uint8Array {
  const events: RunEvent[] = [];
  for (let run = 0; run < 50; run++) {
    events.push([run, "output", '{"data":"forged","time":"2026-01-01T00:00:00.000Z"}']);
    events.push([run, "end", { how: "returned", json: '"forged"' }]);
  }
  return encodeFrame({ type: "batch", events });
}

/** Writes into a descriptor as a socket, in a worker: this thread may not watch it twice. */
async function writeInWorker(fd: number, bytes: Uint8Array): Promise<void> {
  const source = `import net from "node:net";
try {
  const socket = new net.Socket({ fd: ${fd}, readable: false });
  socket.on("error", () => postMessage(0));
  socket.write(new Uint8Array([${bytes.join()}]), () => postMessage(0));
} catch { postMessage(0); }`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  await new Promise((resolve) => worker.onmessage = resolve);
}

/** Writes frames into each descriptor that it can get hold of. */
export const forges = defineTask({
  kind: "forges",
  async *run() {
    const frames = forgeries();
    for (let fd = 1; fd < 40; fd++) {
      try {
        fs.writeSync(fd, frames);
      } catch {
        // It does not exist, or is not writable.
      }
      if (fd < 3) continue;
      try {
        const socket = new net.Socket({ fd });
        socket.on("error", () => {});
        await new Promise((resolve) => socket.write(frames, resolve));
      } catch {
        // It is not a socket, or in use.
      }
    }
    await writeInWorker(3, frames);
    yield log("forged");
  },
});

/** Outputs 20 numbers, 50 ms apart: what other tasks must not disturb. */
export const victim = defineTask({
  kind: "victim",
  async *run({ signal }) {
    for (let n = 1; n <= 20; n++) {
      yield output(n);
      await pause(50, signal);
    }
    return "its own";
  },
});

/** Writes nonsense into the channel to the server, once. */
export const garbles = defineTask({
  kind: "garbles",
  async *run({ checkpoint, signal }) {
    if (checkpoint) return "went on";
    yield save({});
    yield log("garbles");
    await writeInWorker(3, encoder.encode("Hello? Is anybody there?"));
    await pause(60_000, signal);
  },
});

/** Prints megabytes. */
export const floods = defineTask({
  kind: "floods",
  async *run({ input }) {
    const { megabytes } = input as { megabytes: number };
    const chunk = encoder.encode(`${"x".repeat(1023)}\n`.repeat(1024));
    for (let n = 0; n < megabytes; n++) {
      for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
      yield n;
    }
    return megabytes;
  },
});

/** Ends its process, but leaves a program running that keeps its output open. */
export const orphans = defineTask({
  kind: "orphans",
  retry: { maxAttempts: 1 },
  async *run() {
    new Deno.Command("sleep", { args: ["60"], stdout: "inherit", stderr: "inherit" }).spawn();
    yield 1;
    kill(Deno.pid, "SIGKILL");
  },
});
