/**
 * The messages that wait for a slow reader: bounded, in order, and only progress is conflated.
 *
 * @module
 */

interface Message {
  bytes: Uint8Array | null;
  key: string | null;
}

export interface SendQueueOptions {
  /** Most messages that cannot be conflated. */
  limit: number;
  /** Most bytes of all messages. @default {4 MiB} */
  maxBytes?: number;
}

/**
 * A queue in which a message with a key replaces an earlier one with the same key. It goes to the end,
 * so that ids never run backwards.
 */
export class SendQueue {
  readonly #limit: number;
  readonly #maxBytes: number;
  #messages: Message[] = [];
  #head = 0;
  readonly #byKey = new Map<string, Message>();
  #kept = 0;
  #bytes = 0;

  constructor({ limit, maxBytes = 4 * 1024 * 1024 }: SendQueueOptions) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** Messages in the queue. */
  get size(): number {
    return this.#kept + this.#byKey.size;
  }

  /** Bytes of the messages in the queue. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a message, which replaces one with the same `key`. A `burst` is bounded by its bytes alone:
   * the reader has had no time yet to take any of it.
   *
   * @returns `false` if the queue is full: nothing was added, and the reader has to be dropped.
   */
  push(bytes: Uint8Array, key: string | null = null, burst = false): boolean {
    const older = key === null ? undefined : this.#byKey.get(key);
    const size = this.#bytes - (older?.bytes?.length ?? 0) + bytes.length;
    const full = key === null && !burst && this.#kept >= this.#limit;
    if (size > this.#maxBytes || full) return false;
    if (older) older.bytes = null;
    const message = { bytes, key };
    this.#messages.push(message);
    if (key !== null) this.#byKey.set(key, message);
    else this.#kept++;
    this.#bytes = size;
    // Frees what was taken or replaced, even if the reader never catches up.
    if (this.#messages.length > 64 && this.#messages.length > 4 * this.size) this.#compact();
    return true;
  }

  /** Takes messages out, oldest first, as one value of about `room` bytes; `null` when empty. */
  take(room: number): Uint8Array | null {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (this.#head < this.#messages.length && size < room) {
      const message = this.#messages[this.#head++]!;
      if (message.bytes === null) continue;
      if (message.key !== null) this.#byKey.delete(message.key);
      else this.#kept--;
      parts.push(message.bytes);
      size += message.bytes.length;
    }
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    }
    this.#bytes -= size;
    if (parts.length <= 1) return parts[0] ?? null;
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.#byKey.clear();
    this.#kept = 0;
    this.#bytes = 0;
  }

  #compact(): void {
    this.#messages = this.#messages.slice(this.#head).filter((message) => message.bytes !== null);
    this.#head = 0;
  }
}
