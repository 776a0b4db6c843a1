/**
 * A stand-in for `jsr:@std/http@1` where JSR cannot be reached: the part this project uses, with
 * the real names, signatures and behavior.
 *
 * @module
 */

export * from "./etag.ts";
export * from "./negotiation.ts";
export * from "./status.ts";
