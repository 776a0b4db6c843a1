/**
 * The tab's feed: in a shared worker where there are some, else in the page itself.
 *
 * @module
 */

import { startClock } from "../app/clock.ts";
import { onconnection } from "../app/connection.ts";
import { at } from "../app/root.ts";
import { FeedClient } from "./feed_client.ts";
import type { TabMessage } from "./feed_protocol.ts";

/** The worker's program: the one URL that the page may run as one. */
const WORKER_URL = at("/static/feed_worker.js");

/** Milliseconds until it is tried again to load it. */
const RETRY_MS = 2000;

/** Names the worker: tabs of a version that speaks differently must have another one. */
const WORKER_NAME = "headway-feed-2";

let post: (message: TabMessage) => void = () => {};

export const feed = new FeedClient({ post: (message) => post(message), onconnection });

export function startFeed(): void {
  // Made once: the policy allows no second one of its name.
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
  // A page may be put away when it is left, and come back as it was.
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
  // It could not be loaded: because this browser cannot, or because the server has just gone.
  worker.onerror = () => {
    worker.onerror = null;
    worker.port.close();
    void waitForServer().then((waited) => waited ? useWorker(url) : usePage());
  };
  feed.say();
}

/** Until the worker's program can be loaded; whether that took long. */
async function waitForServer(): Promise<boolean> {
  const since = Date.now();
  for (let waited = false;; waited = true) {
    const there = await fetch(WORKER_URL).then(({ ok }) => ok, () => false);
    if (there) return waited;
    onconnection({ state: "waiting", since, refused: null });
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The same program, loaded only where it is needed. */
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

/** The page's policy lets nothing become a script but this. */
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
