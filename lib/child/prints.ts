/**
 * Marks what the code of a run prints with its run: through `console`, `Deno.stdout` and
 * `Deno.stderr`, and so through `process.stdout`. What goes to the file descriptors themselves, as
 * from `fs.writeSync(1, …)`, a Worker or another program, is not marked.
 *
 * @module
 */

import { Console } from "node:console";
import process from "node:process";
import { Writable } from "node:stream";
import { currentRun } from "./current_run.ts";
import { keepFileOpen, keepStreamOpen } from "./keep_open.ts";
import { MAX_LINE, tagLines } from "./printed_line.ts";

export interface PrintsOptions {
  /** The run whose code calls; `null` for none. */
  current(): number | null;
  /** Writes lines synchronously. */
  write(text: string): void;
}

/** Runs of which the beginning of a line is kept: a run that is over may print more. */
const MAX_RUNS = 1000;

/** What one run prints with. */
interface Printer {
  /** With groups, counts and timers of its own. */
  readonly console: Console;
  readonly decoder: TextDecoder;
  /** The line that the run has begun. */
  rest: string;
}

export class Prints {
  readonly #options: PrintsOptions;
  readonly #printers = new Map<number, Printer>();

  constructor(options: PrintsOptions) {
    this.#options = options;
  }

  /** Replaces the ways to print. When code of no run calls them, they do what they did before. */
  static install(): Prints {
    const writeSync = Deno.stderr.writeSync.bind(Deno.stderr);
    const current = () => currentRun.getStore()?.number ?? null;
    const prints = new Prints({ current, write: (text) => writeAll(writeSync, text) });
    prints.catchConsole(globalThis.console as unknown as Record<string, unknown>);
    for (const file of [Deno.stdout, Deno.stderr]) {
      prints.catchFile(file);
      keepFileOpen(file);
    }
    for (const stream of [process.stdout, process.stderr]) keepStreamOpen(stream);
    return prints;
  }

  catchConsole(console: Record<string, unknown>): void {
    for (const [name, method] of Object.entries(console)) {
      if (typeof method !== "function") continue;
      console[name] = (...args: unknown[]) => {
        const run = this.#options.current();
        const own = run === null ? undefined : this.#printer(run).console;
        const print = own && Reflect.get(own, name);
        return typeof print === "function"
          ? Reflect.apply(print, own, args)
          : Reflect.apply(method, console, args);
      };
    }
  }

  catchFile(file: Pick<typeof Deno.stdout, "write" | "writeSync">): void {
    const write = file.write.bind(file);
    const writeSync = file.writeSync.bind(file);
    file.writeSync = (bytes) => this.#take(bytes) ? bytes.length : writeSync(bytes);
    file.write = (bytes) => this.#take(bytes) ? Promise.resolve(bytes.length) : write(bytes);
  }

  /** Ends a run: writes out the line that it has begun. */
  end(run: number): void {
    const rest = this.#printers.get(run)?.rest;
    this.#printers.delete(run);
    if (rest) this.#options.write(tagLines(run, [rest]));
  }

  #take(bytes: Uint8Array): boolean {
    const run = this.#options.current();
    if (run === null) return false;
    const printer = this.#printer(run);
    this.#print(run, printer, printer.decoder.decode(bytes, { stream: true }));
    return true;
  }

  #print(run: number, printer: Printer, text: string): void {
    const lines = (printer.rest + text).split("\n");
    printer.rest = lines.pop()!.slice(0, MAX_LINE);
    const cut = lines.filter((line) => line !== "").map((line) => line.slice(0, MAX_LINE));
    if (cut.length > 0) this.#options.write(tagLines(run, cut));
  }

  #printer(run: number): Printer {
    const known = this.#printers.get(run);
    if (known) return known;
    const [oldest] = this.#printers.keys();
    if (this.#printers.size >= MAX_RUNS) this.end(oldest!);
    const stream = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        this.#print(run, printer, text);
        done();
      },
    });
    const console = new Console({ stdout: stream, stderr: stream });
    const printer: Printer = { console, decoder: new TextDecoder(), rest: "" };
    this.#printers.set(run, printer);
    return printer;
  }
}

const encoder = new TextEncoder();

/** Writes a text. A task must not fail because its output cannot be written. */
function writeAll(writeSync: (bytes: Uint8Array) => number, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(bytes.subarray(at));
  } catch {
    // The server is gone, or a program has made the pipe non-blocking.
  }
}
