/**
 * The program of a task process. It drives generators and nothing else; it speaks with the server
 * over the line that it was started with, and ends when that does.
 *
 * @module
 */

import { Socket } from "node:net";
import { Channel, CHANNEL_FD } from "./channel.ts";
import { Executor } from "./executor.ts";
import { collectKinds } from "./load_kinds.ts";
import type { FromTasks, ToTasks } from "./protocol.ts";
import { OF_DENO } from "./task_environment.ts";
import { startWatchdog } from "../base/watchdog.ts";

/** Milliseconds for `finally` blocks when the server has gone. */
const FAREWELL_MS = 1000;

forget(OF_DENO);

/** Runs tasks of the kinds that these modules export, by URL. */
export async function main(modules: ReadonlyMap<string, Record<string, unknown>>): Promise<void> {
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
  const channel = new Channel<ToTasks, FromTasks>(new Socket({ fd: CHANNEL_FD }), (frame) => {
    if ("message" in frame) executor.receive(frame.message);
    else executor.receiveBytes(frame.request, frame.bytes);
  });
  const executor = new Executor({ kinds, send: (message) => channel.send(message) });
  channel.send({ type: "ready", kinds: [...kinds.keys()] });
  await channel.ended.catch(() => {});
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
