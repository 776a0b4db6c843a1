/**
 * The client, `/client.js`: watches tasks from any page or program. Its types are in client.d.ts.
 *
 * @module
 */

export type * from "./client.d.ts";
export { cancel, HeadwayError, submit, upload } from "./requests.ts";
export { watch } from "./watch.ts";
