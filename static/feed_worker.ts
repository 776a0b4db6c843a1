/**
 * The feed in a shared worker: one for all tabs of the browser. Where there is no such worker, each
 * page imports this module and has a feed of its own.
 *
 * @module
 */

import { at } from "./app/root.ts";
import { WORLD } from "./client/world.ts";
import { Feed } from "./feed/feed.ts";

/** Feeds whoever joins. */
export const feed: Feed = new Feed({ ...WORLD, fetch: (url, init) => WORLD.fetch(at(url), init) });

addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0]!;
  const line = feed.join((message) => port.postMessage(message));
  port.onmessage = ({ data }) => line.take(data);
  // Where a browser tells; elsewhere a tab that does not answer is given up.
  port.addEventListener("close", () => line.leave());
});
