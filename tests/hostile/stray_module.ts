/**
 * A module of kinds that itself makes errors that nobody catches. No test may import it.
 *
 * @module
 */

import { EventEmitter } from "node:events";

setTimeout(() => Promise.reject(new Error("a rejection of the module")));
setTimeout(() => new EventEmitter().emit("error", new Error("unheard by the module")));

export * from "./strays.ts";
