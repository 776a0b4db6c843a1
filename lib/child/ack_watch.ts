/**
 * Notices a lost `ack`. A server whose store takes nothing sends no acknowledgements, for as long
 * as that lasts, so a long wait alone means little. After a while the task process asks, and the
 * server says how many batches it has seen and how many acknowledgements it has sent. Messages
 * arrive in order, so one that is missing then is lost: a program that a task started may have read
 * the channel.
 *
 * @module
 */

import type { FromTasks, ToTasks } from "./protocol.ts";

export interface AckWatchOptions {
  send(message: FromTasks): void;
  /** Called once, when the channel cannot be relied on any more: this process must be replaced. */
  onbroken(why: string): void;
}

/** Milliseconds between two looks. A wait that both of them see is asked about. */
const LOOK_MS = 30_000;

/** Questions that may stay unanswered: a server may be suspended, but not for minutes. */
const MAX_UNANSWERED = 10;

export class AckWatch {
  readonly #options: AckWatchOptions;
  #batches = 0;
  #acks = 0;
  /** How many batches had been sent at the last look. */
  #seen = 0;
  #unanswered = 0;
  #broken = false;

  constructor(options: AckWatchOptions) {
    this.#options = options;
  }

  start(): void {
    setInterval(() => this.look(), LOOK_MS);
  }

  batchSent(): void {
    this.#batches++;
  }

  ackTaken(): void {
    this.#acks++;
  }

  /** Asks the server, if the last look waited for the same batch. */
  look(): void {
    const waits = this.#batches > this.#acks;
    const overdue = waits && this.#seen === this.#batches;
    this.#seen = this.#batches;
    if (!overdue) this.#unanswered = 0;
    else if (this.#unanswered === MAX_UNANSWERED) this.#break("the server does not answer");
    else {
      this.#unanswered++;
      this.#options.send({ type: "overdue" });
    }
  }

  /** Takes the server's answer. */
  answer({ batches, acks }: Extract<ToTasks, { type: "counts" }>): void {
    this.#unanswered = 0;
    if (batches < this.#batches) this.#break("a batch did not reach the server");
    else if (acks > this.#acks) this.#break("an acknowledgement from the server was lost");
  }

  #break(why: string): void {
    if (!this.#broken) this.#options.onbroken(why);
    this.#broken = true;
  }
}
