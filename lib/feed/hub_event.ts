/**
 * An event on its way to its streams, encoded once however many they are.
 *
 * @module
 */

import type { TaskEvent } from "../task/event.ts";
import { type Labels, labelsOf } from "../task/labels.ts";

export class HubEvent {
  readonly event: TaskEvent;
  /** Whether this process wrote it. */
  readonly own: boolean;
  #one: Uint8Array | undefined;
  #many: Uint8Array | undefined;
  #labels: Labels | undefined;

  readonly #cursor: () => string;

  /** Encodes nothing until it is asked for. */
  constructor(event: TaskEvent, own: boolean, cursor: () => string) {
    this.event = event;
    this.own = own;
    this.#cursor = cursor;
  }

  /** Its position in the journal: its id in a stream over many tasks. */
  get cursor(): string {
    return this.#cursor();
  }

  /** The labels of its task, parsed on first use; a row has none. */
  get labels(): Labels {
    return this.#labels ??= labelsOf(this.event.json);
  }

  /** Encoded for the task's own stream. */
  forOne(encode: (event: TaskEvent, id: string) => Uint8Array): Uint8Array {
    return this.#one ??= encode(this.event, String(this.event.seq));
  }

  /** Encoded for a stream over many tasks. */
  forMany(encode: (event: TaskEvent, id: string) => Uint8Array): Uint8Array {
    return this.#many ??= encode(this.event, this.cursor);
  }
}
