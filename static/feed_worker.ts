/**
 * The feed in a shared worker: one for all tabs of the browser. Where there is no such worker, each
 * page imports this module and has a feed of its own.
 *
 * @module
 */

import { at } from "./app/root.ts";
import { WORLD } from "./client/world.ts";
import { Feed } from "./feed/feed.ts";

export const feed: Feed = new Feed({ ...WORLD, fetch: (url, init) => WORLD.fetch(at(url), init) });

addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0]!;
  const line = feed.join((message) => port.postMessage(message));
  port.onmessage = ({ data }) => line.take(data);
  // Not every browser fires this. Elsewhere a tab that stops answering is dropped.
  port.addEventListener("close", () => line.leave());
});
