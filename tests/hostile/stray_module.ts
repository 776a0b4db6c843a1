/**
 * A module of kinds that leaves errors to nobody itself. Not to be imported by a test.
 *
 * @module
 */

import { EventEmitter } from "node:events";

setTimeout(() => Promise.reject(new Error("a rejection of the module")));
setTimeout(() => new EventEmitter().emit("error", new Error("unheard by the module")));

export * from "./strays.ts";
