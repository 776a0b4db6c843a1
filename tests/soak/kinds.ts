/**
 * The kinds that the probe and the attacks of a soak submit: those of the bench, and `demo`.
 *
 * @module
 */

export * from "../bench/kinds.ts";
export { demo } from "../../lib/kinds/demo.ts";
