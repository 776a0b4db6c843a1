/**
 * What the probe and the attacks of a soak submit: the tickers of the bench, and `demo`.
 *
 * @module
 */

export * from "../bench/kinds.ts";
export { demo } from "../../lib/kinds/demo.ts";
