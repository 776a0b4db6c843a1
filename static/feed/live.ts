/**
 * The tab's feed: in a shared worker if the browser can run it there, else in the page.
 *
 * @module
 */

import { startClock } from "../app/clock.ts";
import { onconnection } from "../app/connection.ts";
import { at } from "../app/root.ts";
import { FeedClient } from "./feed_client.ts";
import type { TabMessage } from "./feed_protocol.ts";

/** The worker's script: the only URL that the page's policy lets it run. */
const WORKER_URL = at("/static/feed_worker.js");

/** Milliseconds until loading the script is tried again. */
const RETRY_MS = 2000;

/** The worker's name. Tabs of a version with another protocol must not share it. */
const WORKER_NAME = "headway-feed-2";

let post: (message: TabMessage) => void = () => {};

export const feed = new FeedClient({ post: (message) => post(message), onconnection });

export function startFeed(): void {
  // Called once: a second Trusted Types policy of the same name is refused.
  const url = workerUrl();
  try {
    useWorker(url);
  } catch {
    void usePage();
  }
  const reopen = () => feed.reopen();
  startClock(reopen);
  addEventListener("online", reopen);
  document.addEventListener("visibilitychange", tellVisible);
  // The browser may keep a page that is left, and show it again as it was.
  addEventListener("pagehide", () => feed.leave());
  addEventListener("pageshow", tellVisible);
  document.addEventListener("resume", tellVisible);
  tellVisible();
}

function tellVisible(): void {
  feed.setVisible(document.visibilityState === "visible");
}

function useWorker(url: string): void {
  const worker = new SharedWorker(url, { name: WORKER_NAME, type: "module" });
  worker.port.onmessage = ({ data }) => feed.take(data);
  post = (message) => worker.port.postMessage(message);
  // Not loaded: the browser has no module workers, or the server is unreachable.
  worker.onerror = () => {
    worker.onerror = null;
    worker.port.close();
    void waitForServer().then((waited) => waited ? useWorker(url) : usePage());
  };
  feed.say();
}

/** Waits until the worker's script can be loaded. Resolves to whether it had to wait. */
async function waitForServer(): Promise<boolean> {
  const since = Date.now();
  for (let waited = false;; waited = true) {
    const there = await fetch(WORKER_URL).then(({ ok }) => ok, () => false);
    if (there) return waited;
    onconnection({ state: "waiting", since, refused: null });
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Runs the worker's script in the page, loaded only if it is needed. */
async function usePage(): Promise<void> {
  const url: string = WORKER_URL;
  const module: typeof import("../feed_worker.ts") = await import(url);
  const line = module.feed.join((message) => feed.take(message));
  post = (message) => line.take(message);
  feed.say();
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): {
    createScriptURL(url: string): string;
  };
}

/** {@link WORKER_URL} as Trusted Types require it: the policy lets nothing else become a script. */
function workerUrl(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const rules = {
    createScriptURL(url: string): string {
      if (url !== WORKER_URL) throw new TypeError(`No script of the page's: ${url}`);
      return url;
    },
  };
  return (trustedTypes?.createPolicy("headway-worker", rules) ?? rules).createScriptURL(WORKER_URL);
}
