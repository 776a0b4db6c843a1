/**
 * What all responses of this process together hold for readers who have yet to take it: each stream
 * and page is bounded by itself, and many of them are not. Past the bound, those that took nothing
 * for longest are let go; a stream's client comes again and resumes.
 *
 * @module
 */

/** A response of which something waits. */
export interface Waiting {
  /** Lets go of it, and of the connection. Calls {@link Backlog.forget}. */
  letGo(): void;
}

/** Bytes that wait, all together. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Milliseconds: a reader that takes nothing for so long is stuck. */
const STUCK_MS = 3000;

/**
 * Bytes that the platform has taken from us for a reader that is stuck, about: measured 400 to 600
 * KiB, beside what the kernel takes.
 */
const PLATFORM_BYTES = 512 * 1024;

/** Milliseconds that one who wants to add to it waits for room, at the most. */
const PATIENCE_MS = 1000;

/** What {@link Backlog} takes. */
export interface BacklogOptions {
  /** Bytes that wait, all together. @default {256 MiB} */
  maxBytes?: number;
  /** Milliseconds that {@link Backlog.room} waits, at the most. @default {1000} */
  patienceMs?: number;
}

/** See the module. */
export class Backlog {
  readonly #maxBytes: number;
  readonly #patienceMs: number;
  /** Whoever took nothing for longest comes first. */
  readonly #waiting = new Map<Waiting, { bytes: number; since: number }>();
  readonly #hopeful = new Set<() => void>();
  #bytes = 0;
  /** Of them that were stuck at the last look. */
  #stuck = 0;
  #full = false;

  /** Holds nothing yet. */
  constructor({ maxBytes = MAX_BYTES, patienceMs = PATIENCE_MS }: BacklogOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#patienceMs = patienceMs;
  }

  /** Bytes that wait, without what the platform holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Responses of which something waits. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Notes what waits of a response now; `took` says that its reader has taken some of it. */
  note(response: Waiting, bytes: number, now: number, took: boolean): void {
    const known = this.#waiting.get(response);
    this.#bytes += bytes - (known?.bytes ?? 0);
    if (known && !took) {
      known.bytes = bytes;
    } else {
      if (known) this.#waiting.delete(response);
      this.#waiting.set(response, { bytes, since: now });
    }
    if (this.#bytes > this.#maxBytes) this.relieve(now);
  }

  /** Nothing waits of it any more. */
  forget(response: Waiting): void {
    const known = this.#waiting.get(response);
    if (!known) return;
    this.#waiting.delete(response);
    this.#bytes -= known.bytes;
    if (this.#full) this.#look();
  }

  /** Lets go of those who are stuck until there is room. Called now and then, with the time. */
  relieve(now: number): void {
    this.#stuck = 0;
    for (const { since } of this.#waiting.values()) {
      if (now - since < STUCK_MS) break;
      this.#stuck++;
    }
    for (const [response] of this.#waiting) {
      if (this.#stuck === 0 || !this.#exceeds) break;
      this.#stuck--;
      response.letGo();
    }
    this.#look();
  }

  /**
   * Resolves when there is room, or the signal aborts; or after a second, since readers that are slow
   * and not stuck must not keep everybody else from what they missed.
   */
  async room(signal?: AbortSignal): Promise<void> {
    if (!this.#full || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#patienceMs);
    const go = () => resolve();
    this.#hopeful.add(go);
    signal?.addEventListener("abort", go);
    await promise;
    clearTimeout(timer);
    this.#hopeful.delete(go);
    signal?.removeEventListener("abort", go);
  }

  get #exceeds(): boolean {
    return this.#bytes + this.#stuck * PLATFORM_BYTES > this.#maxBytes;
  }

  #look(): void {
    this.#full = this.#exceeds;
    if (!this.#full) { for (const go of this.#hopeful) go(); }
  }
}

/** The one of this process. */
export const BACKLOG: Backlog = new Backlog();
