/**
 * The program of a task process. It drives generators and nothing else; it speaks with the server
 * over the line that it was started with, and ends when that does.
 *
 * @module
 */

import { Socket } from "node:net";
import { AckWatch } from "./ack_watch.ts";
import { Channel, CHANNEL_FD } from "./channel.ts";
import { keepRunInTimers } from "./current_run.ts";
import { Executor } from "./executor.ts";
import { exitProcess, guardExit } from "./exit_guard.ts";
import { collectKinds } from "./load_kinds.ts";
import { Prints } from "./prints.ts";
import type { FromTasks, ToTasks } from "./protocol.ts";
import { OF_DENO } from "./task_environment.ts";
import { startWatchdog } from "../base/watchdog.ts";

/** Milliseconds for `finally` blocks when the server has gone. */
const FAREWELL_MS = 1000;

// Before the modules of the kinds are evaluated.
forget(OF_DENO);
guardExit(() => true);
keepRunInTimers();
const prints = Prints.install();

/** Runs tasks of the kinds that these modules export, by URL. */
export async function main(modules: ReadonlyMap<string, Record<string, unknown>>): Promise<void> {
  // One that cannot be used ends the process here.
  const kinds = collectKinds(modules);
  startWatchdog();
  // One task's stray rejection must not end the others' process.
  for (const type of ["unhandledrejection", "error"] as const) {
    globalThis.addEventListener(type, (event) => {
      event.preventDefault();
      // deno-lint-ignore no-console -- stderr is this process's log
      console.error("uncaught in a task:", "reason" in event ? event.reason : event.error);
    });
  }

  const channel = new Channel<ToTasks, FromTasks>(new Socket({ fd: CHANNEL_FD }), (frame) => {
    if ("message" in frame) receive(frame.message);
    else tasks.receiveBytes(frame.request, frame.bytes);
  });
  const acks = new AckWatch({
    send: (message) => channel.send(message),
    onbroken(why) {
      channel.send({ type: "broken", why });
      // Where the server does not hear of it either, it hears of the end.
      setTimeout(() => exitProcess(1), FAREWELL_MS);
    },
  });
  const receive = (message: ToTasks) => {
    if (message.type === "counts") return acks.answer(message);
    if (message.type === "ack") acks.ackTaken();
    tasks.receive(message);
  };
  const send = (message: FromTasks) => {
    if (message.type === "batch") {
      acks.batchSent();
      for (const [run, type] of message.events) if (type === "end") prints.end(run);
    }
    channel.send(message);
  };
  const tasks = new Executor({ kinds, send });
  acks.start();
  channel.send({ type: "ready", kinds: [...kinds.keys()] });
  await channel.ended.catch((error) => {
    // deno-lint-ignore no-console -- stderr is this process's log
    console.error("what the server said cannot be read: this process ends.", error);
  });
  tasks.stopAll();
  setTimeout(() => exitProcess(0), FAREWELL_MS);
  await tasks.idle();
  exitProcess(0);
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
