/**
 * The tasks that each token submitted, for streams whose token may see only its own tasks. All
 * streams of a token share one set, which is kept up to date while any of them is open.
 *
 * @module
 */

import type { Hub } from "./hub.ts";
import type { TaskEvent } from "../task/event.ts";
import { Reads } from "../kv/reads.ts";
import { keys } from "../kv/keys.ts";
import { memberIds } from "../kv/member_ids.ts";

/** Most tasks remembered for a token, the newest: streams send nothing about older ones. */
const MAX_TASKS = 10_000;

export interface Own {
  /** The name of the token that submitted them. */
  readonly submitter: string;
  /** The same as JSON text, as `submitted` events have it. */
  readonly json: string;
  has(id: string): boolean;
  /** Their ids, newest first. */
  newest(count: number): string[];
}

export class OwnTasks {
  readonly #kv: Deno.Kv;
  readonly #hub: Hub;
  readonly #maxTasks: number;
  readonly #known = new Map<string, Known>();

  constructor(kv: Deno.Kv, hub: Hub, maxTasks: number = MAX_TASKS) {
    this.#kv = kv;
    this.#hub = hub;
    this.#maxTasks = maxTasks;
  }

  /** The tasks of a token, kept up to date until `signal` aborts. */
  async of(submitter: string, signal: AbortSignal): Promise<Own> {
    let known = this.#known.get(submitter);
    if (!known) {
      known = new Known(submitter, this.#maxTasks);
      known.stop = this.#hub.listen("all", known.hear);
      known.reading = known.read(this.#kv);
      this.#known.set(submitter, known);
    }
    const mine = known;
    mine.users++;
    const leave = () => {
      if (--mine.users > 0) return;
      mine.stop();
      if (this.#known.get(submitter) === mine) this.#known.delete(submitter);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    try {
      await mine.reading;
    } catch (error) {
      // The next caller reads again.
      if (this.#known.get(submitter) === mine) this.#known.delete(submitter);
      throw error;
    }
    return mine;
  }
}

class Known implements Own {
  readonly submitter: string;
  readonly json: string;
  readonly #maxTasks: number;
  /** Oldest first. */
  #ids = new Set<string>();
  users = 0;
  stop: () => void = () => {};
  reading: Promise<void> = Promise.resolve();

  constructor(submitter: string, maxTasks: number) {
    this.submitter = submitter;
    this.json = JSON.stringify(submitter);
    this.#maxTasks = maxTasks;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  newest(count: number): string[] {
    return [...this.#ids].slice(-count).reverse();
  }

  /** Reads the tasks in the store. What `hear` adds meanwhile is newer. */
  async read(kv: Deno.Kv): Promise<void> {
    const found: string[] = [];
    const options = { wanted: this.#maxTasks };
    const set = (id: string) => keys.submitted(this.submitter, id);
    for await (const ids of memberIds(kv, new Reads(), set, options)) {
      found.push(...ids.slice(0, this.#maxTasks - found.length));
      if (found.length === this.#maxTasks) break;
    }
    this.#ids = new Set([...found.reverse(), ...this.#ids]);
    this.#bound();
  }

  readonly hear = ({ event: { type, id, json } }: { event: TaskEvent }): void => {
    if (type !== "submitted" || json !== this.json) return;
    this.#ids.add(id);
    this.#bound();
  };

  #bound(): void {
    for (const id of this.#ids) {
      if (this.#ids.size <= this.#maxTasks) return;
      this.#ids.delete(id);
    }
  }
}
