/**
 * Holds the events from a moment on for readers that still read what came before it. All share one
 * list, so that what is held is bounded however many they are, and nothing is held without any.
 *
 * @module
 */

import type { HubEvent } from "./hub_event.ts";
import { weightOf } from "../kv/event_text.ts";

/** Bytes kept, about. Whoever takes longer than that many to read has to read on. */
const MAX_BYTES = 16 * 1024 * 1024;

interface Link {
  event: HubEvent | null;
  next: Link | null;
}

/** Everything since a moment, until it is disposed of. */
export interface Hold extends Disposable {
  /** What came since, oldest first; `null` when it was too much. */
  events(): HubEvent[] | null;
}

interface Opened {
  /** What follows it is held; `null` when it was too much. */
  link: Link | null;
  /** Bytes that had come before. */
  before: number;
}

export class HeldEvents {
  readonly #maxBytes: number;
  readonly #open = new Set<Opened>();
  #last: Link = { event: null, next: null };
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Whether anybody holds events. */
  get wanted(): boolean {
    return this.#open.size > 0;
  }

  /** Holds events from now on. */
  hold(): Hold {
    const opened: Opened = { link: this.#last, before: this.#bytes };
    this.#open.add(opened);
    return {
      events: () => {
        if (opened.link === null) return null;
        const events: HubEvent[] = [];
        for (let at = opened.link.next; at !== null; at = at.next) events.push(at.event!);
        return events;
      },
      [Symbol.dispose]: () => {
        opened.link = null;
        this.#open.delete(opened);
        if (this.#open.size === 0) this.#last = { event: null, next: null };
      },
    };
  }

  add(event: HubEvent): void {
    this.#bytes += weightOf(event.event);
    this.#last = this.#last.next = { event, next: null };
    for (const opened of this.#open) {
      // The first held from first: who comes behind holds less.
      if (this.#bytes - opened.before <= this.#maxBytes) break;
      opened.link = null;
      this.#open.delete(opened);
    }
  }
}
