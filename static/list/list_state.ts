/**
 * The rows of the list: which tasks are known, in which order, and which of them wait to be shown
 * or removed. Changed in place, one batch at a time, at a cost that depends on the batch, not on
 * the number of rows.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";

/** An event of `GET /tasks/stream`. */
export type ListEvent =
  | { type: "snapshot" | "reset"; data: { tasks: readonly TaskRecord[] } }
  | { type: "message"; data: TaskRecord }
  | { type: "deleted"; data: { task_id: string } };

/** Rows kept at most: the newest. */
export const MAX_ROWS = 20_000;

export interface ListChange {
  /** The records that changed. */
  records: TaskRecord[];
  /** Whether rows were added or removed, began to wait, or were marked to leave. */
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
  /** What the stream sent while pages are loading, since a page may be older; `null` if deleted. */
  readonly #late = new Map<string, TaskRecord | null>();
  #loads = 0;

  /** The rows, newest first: a new array after each change of the rows. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** How many tasks match but wait for {@link release}. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * All matching tasks from the newest down to this id are known; it is the cursor for older ones.
   * `null` if all are known, `undefined` before the first page.
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

  /** Whether any row is leaving. */
  get hasLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  /** The index of a row, or where it would be inserted. */
  indexOf(id: string): number {
    return place(this.#ids, id);
  }

  /** Changes what matches. Known rows that still match stay until the new pages have arrived. */
  refilter(accepts: (record: TaskRecord) => boolean): void {
    this.#accepts = accepts;
    this.#held.clear();
    this.#leaving.clear();
    for (const [id, record] of this.#records) if (!accepts(record)) this.#records.delete(id);
    this.#ids = [...this.#records.keys()].sort().reverse();
  }

  /**
   * Applies events of single tasks. With `live`, new rows are inserted; otherwise they wait.
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
    // A task may be added and deleted in the same batch.
    this.#insert([...added].filter((id) => this.#records.has(id)));
    const rows = marked || removed.size > 0 || added.size > 0 || waited !== this.#held.size;
    return { records, rows };
  }

  /** Inserts the rows that wait. */
  release(): void {
    this.#insert([...this.#held]);
    this.#held.clear();
  }

  /** Removes the rows that no longer match, except those to `keep`. Returns whether there were any. */
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

  /** Call before pages are requested. {@link endLoad} must follow, even after an error. */
  beginLoad(): void {
    this.#loads++;
  }

  /** Call when the pages have arrived, or failed to. */
  endLoad(): void {
    if (--this.#loads === 0) this.#late.clear();
  }

  /** Adds a page of older rows that was requested with {@link end} as its cursor. */
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
   * Replaces all rows by `records`, from the newest on. Without `live`, those newer than the present
   * rows wait.
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

  /** A page, updated by what the stream has sent since it was requested. */
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

  /** Inserts rows in order, and drops the oldest beyond {@link MAX_ROWS}. */
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

/** The index of `id` in ids of descending order, or where it would be inserted. */
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

/** Merges two lists of descending order. */
function merge(one: readonly string[], other: readonly string[]): string[] {
  // The usual cases: all new ones are newer, or all are older.
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
