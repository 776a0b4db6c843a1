/** Tasks with errors that nobody catches. */

import { EventEmitter } from "node:events";
import process from "node:process";
import { defineTask, pause, progress } from "headway";

/** Ways to make an error that nobody catches. */
export const STRAYS: Record<string, () => unknown> = {
  rejection: () => Promise.reject(new RangeError("stray")),
  later: () => setTimeout(() => Promise.reject(new RangeError("stray"))),
  timer: () => setTimeout(() => fail()),
  immediate: () => setImmediate(() => fail()),
  microtask: () => queueMicrotask(() => fail()),
  tick: () => process.nextTick(() => fail()),
  emitter: () => setTimeout(() => new EventEmitter().emit("error", new RangeError("stray"))),
  event: () => {
    const target = new EventTarget();
    target.addEventListener("x", () => fail());
    target.dispatchEvent(new Event("x"));
  },
};

function fail(): never {
  throw new RangeError("stray");
}

/** Makes an uncaught error in one of these ways, and waits. */
export const strays = defineTask({
  kind: "strays",
  async *run({ input, signal }) {
    yield progress({ message: "strays" });
    STRAYS[String(input)]!();
    await pause(600_000, signal);
  },
});

/** Ends the server's process, or tries to. */
export const quits = defineTask({
  kind: "quits",
  async *run({ signal }) {
    yield progress({ message: "quits" });
    setTimeout(() => process.exit(3));
    await pause(600_000, signal);
  },
});
