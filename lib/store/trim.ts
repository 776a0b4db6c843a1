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

/** What of one type of rows is kept of each task. */
export interface RowBound {
  rows: number;
  /** Bytes that these rows may take. */
  bytes: number;
}

export type RowBounds = Readonly<Record<RowType, RowBound>>;

/** How far the bound is passed before it is worth reading the oldest rows. */
const SLACK = 1.1;

/** Up to which `seq` nothing of a type is left. */
type Scan = Record<RowType, number>;

export class RowTrimmer {
  readonly #kv: Deno.Kv;
  readonly #bounds: RowBounds;
  readonly #scans = new WeakMap<LiveTask, Scan>();
  /** Removals under way. Two at once would each write what the other has taken out. */
  readonly #removing = new WeakMap<LiveTask, Promise<void>>();

  constructor(kv: Deno.Kv, bounds: RowBounds) {
    this.#kv = kv;
    this.#bounds = bounds;
  }

  /**
   * Removes rows of a task that this process owns, some of the oldest, in its next commit.
   *
   * @returns Resolves when they are gone; `null` where there are not too many, or some are going.
   */
  trim(live: LiveTask): Promise<void> | null {
    const type = this.#excessive(live.folded);
    // What is taken back goes first: it may be all that is too much.
    if (type === null || live.task.rewound?.left || this.#removing.has(live)) return null;
    return this.#remove(live, () => this.#trim(live, type));
  }

  /**
   * Removes the outputs that the last rewind took back, for a run that is about to begin: so one rewind
   * is all that readers have to know of.
   */
  async removeRewound(live: LiveTask): Promise<void> {
    // Whoever asked for another one hears how that ends.
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
    // Until then another look would find them again.
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

/** How many rows of a type a task has stored, their bytes, and up to which `seq` they were removed. */
function heldOf(task: Task, type: RowType): { rows: number; bytes: number; trimmed: number } {
  const { rows, rowBytes, trimmed, outputs, outputBytes, trimmedOutputs } = task;
  return type === "output"
    ? { rows: outputs, bytes: outputBytes, trimmed: trimmedOutputs }
    : { rows: rows - outputs, bytes: rowBytes - outputBytes, trimmed };
}

/** @returns Up to where nothing of the type is left; it was `behind` before. */
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
