/**
 * Bounds the bytes that all responses of this process together hold for slow readers: each stream
 * and page has a bound of its own, but there may be many. Beyond the bound, the readers that have
 * taken nothing for the longest time are dropped; a stream's client reconnects and resumes.
 *
 * @module
 */

import { deadline } from "./deadline.ts";

/** A response with bytes that wait for its reader. */
export interface Waiting {
  /** Drops the response and its connection. Calls {@link Backlog.forget}. */
  letGo(): void;
}

const MAX_BYTES = 256 * 1024 * 1024;

/** Milliseconds after which a reader that takes nothing counts as stuck. */
const STUCK_MS = 3000;

/** Bytes that Deno holds for a stuck reader, without the kernel's: measured were 400 to 600 KiB. */
const PLATFORM_BYTES = 512 * 1024;

const PATIENCE_MS = 1000;

export interface BacklogOptions {
  /** @default {256 MiB} */
  maxBytes?: number;
  /** The most milliseconds that {@link Backlog.room} waits. @default {1000} */
  patienceMs?: number;
}

export class Backlog {
  readonly #maxBytes: number;
  readonly #patienceMs: number;
  /** The reader that has taken nothing for longest comes first. */
  readonly #waiting = new Map<Waiting, { bytes: number; since: number }>();
  readonly #hopeful = new Set<() => void>();
  #bytes = 0;
  /** Readers that were stuck at the last {@link Backlog.relieve}, less those dropped since. */
  #stuck = 0;
  #full = false;

  constructor({ maxBytes = MAX_BYTES, patienceMs = PATIENCE_MS }: BacklogOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#patienceMs = patienceMs;
  }

  /** Bytes that wait for readers, without those that Deno itself holds. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Notes how many bytes of a response wait now.
   *
   * @param took Whether its reader has taken any since the last call.
   */
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

  forget(response: Waiting): void {
    const known = this.#waiting.get(response);
    if (!known) return;
    this.#waiting.delete(response);
    this.#bytes -= known.bytes;
    if (this.#full) this.#look();
  }

  /** Drops stuck readers until there is room. Call it at intervals. */
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
   * Resolves when there is room or the signal aborts, or after `patienceMs`: readers that are slow but
   * not stuck must not keep others from catching up.
   */
  async room(signal?: AbortSignal): Promise<void> {
    if (!this.#full || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = () => resolve();
    this.#hopeful.add(go);
    signal?.addEventListener("abort", go);
    await deadline(promise, this.#patienceMs, () => {});
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

export const BACKLOG: Backlog = new Backlog();
