/**
 * Removes stored rows of a task: the oldest ones if there are too many, with separate bounds for
 * logs and outputs, and the outputs that a rewind took back. Changes of its state stay.
 *
 * @module
 */

import type { RowType } from "../task/event.ts";
import type { Task } from "../task/task.ts";
import type { LiveTask } from "./live_task.ts";
import { MAX_BYTES, type Taken, takeRows } from "./take_rows.ts";

/** How much of one type of rows is kept of each task. */
export interface RowBound {
  rows: number;
  /** Bytes that these rows may take. */
  bytes: number;
}

export type RowBounds = Readonly<Record<RowType, RowBound>>;

/** How many times the bound there must be before it is worth reading the oldest rows. */
const SLACK = 1.1;

/** The `seq` up to which no rows of a type are left. */
type Scan = Record<RowType, number>;

export class RowTrimmer {
  readonly #kv: Deno.Kv;
  readonly #bounds: RowBounds;
  readonly #scans = new WeakMap<LiveTask, Scan>();
  /** Removals under way. Two at once would each write back rows that the other has removed. */
  readonly #removing = new WeakMap<LiveTask, Promise<void>>();

  constructor(kv: Deno.Kv, bounds: RowBounds) {
    this.#kv = kv;
    this.#bounds = bounds;
  }

  /**
   * Removes some of the oldest rows of a task that this process owns, in its next commit.
   *
   * @returns Resolves when they are gone; `null` if there are not too many, or others go first.
   */
  trim(live: LiveTask): Promise<void> | null {
    const type = this.#excessive(live.folded);
    // Outputs that were taken back go first: without them there may not be too many.
    if (type === null || live.task.rewound?.left || this.#removing.has(live)) return null;
    return this.#remove(live, () => this.#trim(live, type));
  }

  /**
   * Removes the outputs that the last rewind took back, before the next run begins: so readers have to
   * know of one rewind only.
   */
  async removeRewound(live: LiveTask): Promise<void> {
    // Whoever began the other removal gets its error.
    while (this.#removing.has(live)) await this.#removing.get(live)!.catch(() => {});
    if (live.task.rewound?.left) await this.#remove(live, () => this.#removeRewound(live));
  }

  #remove(live: LiveTask, work: () => Promise<void>): Promise<void> {
    const removing = work().finally(() => this.#removing.delete(live));
    this.#removing.set(live, removing);
    return removing;
  }

  #excessive(task: Task): RowType | null {
    for (const type of ["log", "output"] as const) {
      const { rows, bytes } = heldOf(task, type);
      const bound = this.#bounds[type];
      if (rows > bound.rows * SLACK + 64 || bytes > bound.bytes * SLACK) return type;
    }
    return null;
  }

  async #trim(live: LiveTask, type: RowType): Promise<void> {
    const scan = this.#scans.get(live) ?? { log: 0, output: 0 };
    this.#scans.set(live, scan);
    scan[type] = Math.max(scan[type], heldOf(live.task, type).trimmed);
    scan[type] = await removeOldest(this.#kv, live, type, this.#bounds[type], scan[type]);
    // Before that, another read would find the same rows.
    await live.committed();
  }

  async #removeRewound(live: LiveTask): Promise<void> {
    const { after, before } = live.task.rewound!;
    let behind = after;
    while (live.task.rewound!.left && !live.lost) {
      const taken = await takeRows(this.#kv, live.id, { type: "output", after: behind, before });
      behind = taken.behind;
      live.removed(taken, taken.more ? {} : { rewound: { after, before, left: false } });
      await live.committed();
    }
  }
}

/** The stored rows of a type and their bytes, and the `seq` up to which others were trimmed. */
function heldOf(task: Task, type: RowType): { rows: number; bytes: number; trimmed: number } {
  const { rows, rowBytes, trimmed, outputs, outputBytes, trimmedOutputs } = task;
  return type === "output"
    ? { rows: outputs, bytes: outputBytes, trimmed: trimmedOutputs }
    : { rows: rows - outputs, bytes: rowBytes - outputBytes, trimmed };
}

/** @returns The `seq` up to which no rows of the type are left; it was `behind` before. */
async function removeOldest(
  kv: Deno.Kv,
  live: LiveTask,
  type: RowType,
  bound: RowBound,
  behind: number,
): Promise<number> {
  const held = heldOf(live.folded, type);
  const excess = held.rows - bound.rows;
  const excessBytes = Math.min(held.bytes - bound.bytes, MAX_BYTES);
  const enough = ({ rows, bytes }: Taken) => rows >= excess && bytes >= excessBytes;
  const taken = await takeRows(kv, live.id, { type, after: behind, before: Infinity, enough });
  const { rows, last } = taken;
  if (rows > 0) live.removed(taken, type === "log" ? { trimmed: last } : { trimmedOutputs: last });
  return taken.behind;
}
