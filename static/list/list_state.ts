/**
 * The rows of the list: which tasks are known, in which order, and which of them wait to come in or
 * to go. Changed in place, a batch at a time, by what the batch holds: ten thousand rows cost no
 * more than ten.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";

/** An event of `GET /tasks/stream`. */
export type ListEvent =
  | { type: "snapshot" | "reset"; data: { tasks: readonly TaskRecord[] } }
  | { type: "message"; data: TaskRecord }
  | { type: "deleted"; data: { task_id: string } };

/** Rows kept, at most: the newest. */
export const MAX_ROWS = 20_000;

/** What a change did. */
export interface ListChange {
  /** Records that are others now. */
  records: TaskRecord[];
  /** Rows came, went, or began to wait. */
  rows: boolean;
}

export class ListState {
  readonly #records = new Map<string, TaskRecord>();
  /** Newest first: ids sort by time. */
  #ids: readonly string[] = [];
  readonly #held = new Set<string>();
  readonly #leaving = new Set<string>();
  #end: string | null | undefined;
  #accepts: (record: TaskRecord) => boolean = () => true;
  /** What came while pages were on their way, `null` for a deleted one: a page may be older. */
  readonly #late = new Map<string, TaskRecord | null>();
  #loads = 0;

  /** The rows, newest first. Another array after each change of the rows. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** Tasks that match and wait for {@link release}. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * How far back all that match are known: to this id, which is the cursor for older ones; to the
   * very first (`null`); or nothing is known yet (`undefined`).
   */
  get end(): string | null | undefined {
    return this.#end;
  }

  get(id: string): TaskRecord | undefined {
    return this.#records.get(id);
  }

  /** Whether this row no longer matches, and stays only until {@link sweep}. */
  isLeaving(id: string): boolean {
    return this.#leaving.has(id);
  }

  /** Whether any row does. */
  get hasLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  /** Where a row is; where it would be, when it is not there. */
  indexOf(id: string): number {
    return place(this.#ids, id);
  }

  /** From now on only these match. What is known of them stays until the pages have come. */
  refilter(accepts: (record: TaskRecord) => boolean): void {
    this.#accepts = accepts;
    this.#held.clear();
    this.#leaving.clear();
    for (const [id, record] of this.#records) if (!accepts(record)) this.#records.delete(id);
    this.#ids = [...this.#records.keys()].sort().reverse();
  }

  /**
   * Takes in what the stream told of single tasks. With `live` new rows come in; without, they wait.
   */
  apply(events: readonly ListEvent[], live: boolean): ListChange {
    const records: TaskRecord[] = [];
    const added = new Set<string>();
    const removed = new Set<string>();
    const waited = this.#held.size;
    let marked = false;
    for (const event of events) {
      if (event.type === "deleted") {
        const { task_id: id } = event.data;
        if (this.#loads > 0) this.#late.set(id, null);
        if (this.#records.delete(id) && !this.#held.delete(id)) removed.add(id);
        this.#leaving.delete(id);
      } else if (event.type === "message") {
        const record = event.data;
        const { task_id: id } = record;
        if (this.#loads > 0) this.#keepLate(record);
        const known = this.#records.get(id);
        if (known !== undefined && known.seq >= record.seq) continue;
        const matches = this.#accepts(record);
        if (known === undefined) {
          if (!matches || this.#end === undefined || id < (this.#end ?? "")) continue;
          if (live) added.add(id);
          else this.#held.add(id);
        } else if (matches) {
          marked = this.#leaving.delete(id) || marked;
        } else if (this.#held.delete(id)) {
          this.#records.delete(id);
          continue;
        } else if (!this.#leaving.has(id)) {
          this.#leaving.add(id);
          marked = true;
        }
        this.#records.set(id, record);
        records.push(record);
      }
    }
    if (removed.size > 0) this.#ids = this.#ids.filter((id) => !removed.has(id));
    // A task may come and go within a batch.
    this.#insert([...added].filter((id) => this.#records.has(id)));
    const rows = marked || removed.size > 0 || added.size > 0 || waited !== this.#held.size;
    return { records, rows };
  }

  /** The rows that wait come in. */
  release(): void {
    this.#insert([...this.#held]);
    this.#held.clear();
  }

  /** Rows that no longer match go, but for those to `keep`. */
  sweep(keep: (id: string) => boolean): boolean {
    const gone = new Set([...this.#leaving].filter((id) => !keep(id)));
    if (gone.size === 0) return false;
    for (const id of gone) {
      this.#leaving.delete(id);
      this.#records.delete(id);
    }
    this.#ids = this.#ids.filter((id) => !gone.has(id));
    return true;
  }

  /** Pages are asked for. To be followed by {@link endLoad}, come what may. */
  beginLoad(): void {
    this.#loads++;
  }

  /** They have come, or will not. */
  endLoad(): void {
    if (--this.#loads === 0) this.#late.clear();
  }

  /** Takes in a page of older rows, asked for with {@link end} as its cursor. */
  addPage(records: readonly TaskRecord[], next: string | null): ListChange {
    const before = this.#end ?? undefined;
    const page = this.#withLate(records, next, before);
    this.#end = next;
    const added: string[] = [];
    for (const record of page) {
      const known = this.#records.get(record.task_id);
      if (known === undefined) added.push(record.task_id);
      if (known === undefined || known.seq < record.seq) this.#records.set(record.task_id, record);
    }
    this.#insert(added);
    return { records: page, rows: true };
  }

  /**
   * Takes in all that is known once more, from the newest on. Without `live`, those newer than the rows
   * that are there wait.
   */
  replace(records: readonly TaskRecord[], next: string | null, live: boolean): ListChange {
    const newest = this.#ids[0];
    const page = this.#withLate(records, next, undefined)
      .map((record) => {
        const known = this.#records.get(record.task_id);
        return known !== undefined && known.seq > record.seq ? known : record;
      })
      .filter((record) => !this.#leaving.has(record.task_id) || this.#accepts(record));
    this.#records.clear();
    this.#held.clear();
    this.#leaving.clear();
    this.#ids = [];
    this.#end = next;
    for (const record of page) {
      const { task_id: id } = record;
      this.#records.set(id, record);
      if (!live && newest !== undefined && id > newest) this.#held.add(id);
    }
    this.#insert([...this.#records.keys()].filter((id) => !this.#held.has(id)));
    return { records: page, rows: true };
  }

  /** A page, and what became of its tasks since it was asked for. */
  #withLate(
    records: readonly TaskRecord[],
    next: string | null,
    before: string | undefined,
  ): TaskRecord[] {
    const page = new Map(records.map((record) => [record.task_id, record]));
    for (const [id, late] of this.#late) {
      if (id < (next ?? "") || (before !== undefined && id >= before)) continue;
      if (late === null || !this.#accepts(late)) page.delete(id);
      else if ((page.get(id)?.seq ?? -1) < late.seq) page.set(id, late);
    }
    return [...page.values()];
  }

  #keepLate(record: TaskRecord): void {
    const late = this.#late.get(record.task_id);
    if (late === undefined || late === null || late.seq < record.seq) {
      this.#late.set(record.task_id, record);
    }
  }

  /** Puts rows where they belong, and gives up the oldest beyond what is kept. */
  #insert(added: string[]): void {
    if (added.length === 0) return;
    this.#ids = merge(this.#ids, added.sort().reverse());
    if (this.#ids.length <= MAX_ROWS) return;
    for (const id of this.#ids.slice(MAX_ROWS)) {
      this.#records.delete(id);
      this.#leaving.delete(id);
    }
    this.#ids = this.#ids.slice(0, MAX_ROWS);
    this.#end = this.#ids.at(-1)!;
  }
}

/** The place of `id` among ids that fall. */
function place(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! > id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Two lists that fall, as one. */
function merge(one: readonly string[], other: readonly string[]): string[] {
  // Nearly always: all new ones are newer, or all older.
  if (one.length === 0 || other.at(-1)! > one[0]!) return [...other, ...one];
  if (other[0]! < one.at(-1)!) return [...one, ...other];
  const merged: string[] = [];
  let n = 0;
  for (const id of other) {
    while (n < one.length && one[n]! > id) merged.push(one[n++]!);
    if (one[n] !== id) merged.push(id);
  }
  return merged.concat(one.slice(n));
}
