import type { TaskRecord } from "../../lib/task/record.ts";

/** Milliseconds between two notifications. */
const GAP_MS = 200;

/** A step by which a value grows that would not. */
const STEP = 0.001;

/** What a notification says of a task's progress. */
export interface Told {
  progress: number;
  total?: number;
  message: string;
}

/**
 * Makes a task's progress into what the protocol takes: values that only grow, where a task's own
 * percent falls with another attempt. Not too many, nor faster than the client reads, and the newest
 * is told in the end.
 */
export class Progress implements Disposable {
  readonly #send: (told: Told) => Promise<void>;
  #last = -STEP;
  #said = "";
  #next: TaskRecord | null = null;
  #gap: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `send` may fail: then nobody wants to know. */
  constructor(send: (told: Told) => Promise<void>) {
    this.#send = send;
  }

  tell(record: TaskRecord): void {
    this.#next = record;
    if (this.#gap === undefined) this.#tell();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#gap);
  }

  #tell(): void {
    this.#gap = undefined;
    const record = this.#next;
    this.#next = null;
    if (record === null || this.#closed) return;
    const { progress } = record;
    const message = textOf(record);
    if (message === this.#said && (progress === null || progress <= this.#last)) return;
    this.#said = message;
    this.#last = Math.max(progress ?? 0, this.#last + STEP);
    // Until it is sent no other is.
    this.#gap = setTimeout(() => sent.finally(() => this.#tell()), GAP_MS);
    const total = progress === null ? {} : { total: 100 };
    const sent = this.#send({ progress: this.#last, ...total, message }).catch(() => {});
  }
}

function textOf({ status, progress, stage, message, done, total, unit }: TaskRecord): string {
  const percent = progress === null ? null : `${Math.floor(progress)} %`;
  const counted = done === null ? null : `${done}${total === null ? "" : ` of ${total}`}`;
  return [status, percent, counted && unit ? `${counted} ${unit}` : counted, stage, message]
    .filter((part) => part !== null).join(" · ").slice(0, 500);
}
