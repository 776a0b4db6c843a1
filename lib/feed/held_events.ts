/**
 * Holds the events from a moment on for readers that still read what came before it. All share one
 * list, so that what is held is bounded however many they are, and nothing is held without any.
 *
 * @module
 */

import type { HubEvent } from "./hub_event.ts";
import { weightOf } from "../kv/event_text.ts";

/** About the most bytes held. A reader has to read on if more comes while it reads. */
const MAX_BYTES = 16 * 1024 * 1024;

interface Link {
  event: HubEvent | null;
  next: Link | null;
}

/** Holds all events since a moment, until it is disposed of. */
export interface Hold extends Disposable {
  /** The events since then, oldest first; `null` if they were too many. */
  events(): HubEvent[] | null;
}

interface Opened {
  /** The events after this link are held; `null` if they were too many. */
  link: Link | null;
  /** Bytes of all events that had come before. */
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
      // In the order of opening: a later one holds less.
      if (this.#bytes - opened.before <= this.#maxBytes) break;
      opened.link = null;
      this.#open.delete(opened);
    }
  }
}
