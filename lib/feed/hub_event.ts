/**
 * An event on its way to its streams, encoded once however many they are.
 *
 * @module
 */

import type { TaskEvent } from "../task/event.ts";
import { type Labels, labelsOf } from "../task/labels.ts";

/** An event on its way out, encoded at most once for each of the two kinds of stream. */
export class HubEvent {
  readonly event: TaskEvent;
  /** Whether this process wrote it. */
  readonly own: boolean;
  #one: Uint8Array | undefined;
  #many: Uint8Array | undefined;
  #labels: Labels | undefined;

  readonly #cursor: () => string;

  /** Nothing is encoded before it is asked for. */
  constructor(event: TaskEvent, own: boolean, cursor: () => string) {
    this.event = event;
    this.own = own;
    this.#cursor = cursor;
  }

  /** Where it stands in the journal: the id and resume cursor of a stream over many tasks. */
  get cursor(): string {
    return this.#cursor();
  }

  /** Its task's; a row does not tell them. Read from its text once, and only if somebody asks. */
  get labels(): Labels {
    return this.#labels ??= labelsOf(this.event.json);
  }

  /** As it is sent on the task's own stream. */
  forOne(encode: (event: TaskEvent, id: string) => Uint8Array): Uint8Array {
    return this.#one ??= encode(this.event, String(this.event.seq));
  }

  /** As it is sent on a stream over many tasks. */
  forMany(encode: (event: TaskEvent, id: string) => Uint8Array): Uint8Array {
    return this.#many ??= encode(this.event, this.cursor);
  }
}
