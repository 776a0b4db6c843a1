/**
 * The program of a task process. It drives generators and nothing else; its stdin and stdout speak
 * with the server, and it ends when its stdin does.
 *
 * @module
 */

import { Executor } from "./executor.ts";
import { collectKinds } from "./load_kinds.ts";
import { encodeFrame, FrameDecoder, type FromTasks, type ToTasks } from "./protocol.ts";
import { OF_DENO } from "./task_environment.ts";
import { startWatchdog } from "../base/watchdog.ts";

/** Milliseconds for `finally` blocks when the server has gone. */
const FAREWELL_MS = 1000;

forget(OF_DENO);

/** Runs tasks of the kinds that these modules export, by URL. */
export async function main(modules: ReadonlyMap<string, Record<string, unknown>>): Promise<void> {
  const out = Deno.stdout.writable.getWriter();
  keepStdoutClean();
  startWatchdog();
  // One task's stray rejection must not end the others' process.
  for (const type of ["unhandledrejection", "error"] as const) {
    globalThis.addEventListener(type, (event) => {
      event.preventDefault();
      // deno-lint-ignore no-console -- stderr is this process's log
      console.error("uncaught in a task:", "reason" in event ? event.reason : event.error);
    });
  }

  const kinds = collectKinds(modules);
  const send = (message: FromTasks) =>
    void out.write(encodeFrame(message)).catch(() => Deno.exit(0));
  const executor = new Executor({ kinds, send });
  send({ type: "ready", kinds: [...kinds.keys()] });

  const decoder = new FrameDecoder<ToTasks>();
  for await (const chunk of Deno.stdin.readable) {
    for (const frame of decoder.push(chunk)) {
      if ("message" in frame) executor.receive(frame.message);
      else executor.receiveBytes(frame.request, frame.bytes);
    }
  }
  executor.stopAll();
  setTimeout(() => Deno.exit(0), FAREWELL_MS);
  await executor.idle();
  Deno.exit(0);
}

/** Takes variables out of the environment: Deno has read them, and they are not for tasks. */
function forget(names: readonly string[]): void {
  for (const name of names) {
    try {
      Deno.env.delete(name);
    } catch {
      // Tasks may not see it either.
    }
  }
}

/** What a task prints goes to stderr: stdout is the line to the server. */
function keepStdoutClean(): void {
  const { stderr } = Deno;
  Object.defineProperty(Deno, "stdout", { value: stderr, configurable: true });
  for (const method of ["log", "info", "debug"] as const) {
    // deno-lint-ignore no-console -- redirected, not used
    console[method] = console.error;
  }
}
