/**
 * The program of a task process. It loads a module of kinds and drives generators, nothing more.
 * It talks to the server over the channel that it was started with, and ends when that closes.
 *
 * @module
 */

import { Socket } from "node:net";
import { startWatchdog } from "../base/watchdog.ts";
import { describeTasks } from "../task/kind.ts";
import { AckWatch } from "./ack_watch.ts";
import { Channel, CHANNEL_FD } from "./channel.ts";
import { keepRunInTimers, uncaughtError } from "./current_run.ts";
import { Executor } from "./executor.ts";
import { exitProcess, guardExit } from "./exit_guard.ts";
import { collectKinds, errorHookIn, loadFailure } from "./load_kinds.ts";
import { withPermissionHint } from "./permission_hint.ts";
import { Prints } from "./prints.ts";
import type { FromTasks, ToTasks } from "./protocol.ts";
import { OF_DENO } from "./task_environment.ts";

/** Milliseconds for `finally` blocks when the server has gone, and for the last message to go out. */
const FAREWELL_MS = 1000;

/** Resolves when the watchdog watches. Only then may the module load, which may take for ever. */
export const prepared: Promise<void> = startWatchdog();
forget(OF_DENO);
guardExit(() => true);
keepRunInTimers();
const prints = Prints.install();

/** Loads a module of kinds, called `name`, and runs tasks of these until the server has gone. */
export async function main(
  name: string,
  load: () => Promise<Record<string, unknown>>,
): Promise<void> {
  // One task's stray rejection must not end the others' process.
  for (const type of ["unhandledrejection", "error"] as const) {
    globalThis.addEventListener(type, (event) => {
      event.preventDefault();
      // deno-lint-ignore no-console -- stderr is this process's log
      console.error(`uncaught in ${name}:`, uncaughtError(event));
    });
  }

  let tasks: Executor | undefined;
  const channel = new Channel<ToTasks, FromTasks>(new Socket({ fd: CHANNEL_FD }), (frame) => {
    if ("message" in frame) receive(frame.message);
    else tasks?.receiveBytes(frame.number, frame.bytes);
  });
  const acks = new AckWatch({
    send: (message) => channel.send(message),
    onbroken(why) {
      channel.send({ type: "broken", why });
      // If this does not reach the server either, it notices the exit.
      setTimeout(() => exitProcess(1), FAREWELL_MS);
    },
  });
  const receive = (message: ToTasks) => {
    if (message.type === "counts") return acks.answer(message);
    if (message.type === "ack") acks.ackTaken();
    tasks?.receive(message);
  };
  const send = (message: FromTasks) => {
    if (message.type === "batch") {
      acks.batchSent();
      for (const [run, type, end] of message.events) {
        if (type !== "end") continue;
        prints.end(run);
        if (end.how === "threw") end.error = withPermissionHint(end.error);
      }
    }
    channel.send(message);
  };
  // Also while the module loads, as the server may die before it has.
  const ended = channel.ended.catch((error) => {
    // deno-lint-ignore no-console -- stderr is this process's log
    console.error("cannot read a message of the server: this process exits.", error);
  }).then(async () => {
    tasks?.stopAll();
    setTimeout(() => exitProcess(0), FAREWELL_MS);
    await tasks?.idle();
    exitProcess(0);
  });
  try {
    const exports = await load();
    const kinds = collectKinds(exports);
    tasks = new Executor({ kinds, send, onError: errorHookIn(exports) });
    acks.start();
    channel.send({ type: "ready", kinds: describeTasks(kinds.values()) });
  } catch (error) {
    channel.send({ type: "failed", ...loadFailure(error) });
    channel.end();
  }
  await ended;
}

/** Takes variables out of the environment: Deno has read them, and they are not for tasks. */
function forget(names: readonly string[]): void {
  for (const name of names) {
    try {
      Deno.env.delete(name);
    } catch {
      // Without the permission for it, tasks cannot read it either.
    }
  }
}
