/**
 * Outside lib/kv/, heads are read only through {@link Heads}. It adds each task's pending state, so
 * that callers need not know that the journal may be newer than a task's keys.
 *
 * @module
 */

import { getMany } from "./get_many.ts";
import { type Head, readInput, readResult, readText } from "./head.ts";
import { historyPage, type Page, RowReader } from "./history.ts";
import { keys } from "./keys.ts";
import { type ListQuery, listTasks, pagesOf, type TaskPage } from "./list.ts";
import type { TaskFilter } from "./task_filter.ts";
import type { Reads } from "./reads.ts";
import {
  current,
  NOTHING_PENDING,
  type PendingState,
  type PendingStates,
  readCurrent,
} from "./pending_state.ts";
import { queuePosition } from "./queue.ts";
import { rankOf } from "./rank.ts";
import { seqOf, withResult } from "../task/json_text.ts";
import type { TaskRecord } from "../task/record.ts";

export class Heads {
  readonly #kv: Deno.Kv;
  readonly #pending: PendingStates;

  constructor(kv: Deno.Kv, pending: PendingStates = NOTHING_PENDING) {
    this.#kv = kv;
    this.#pending = pending;
  }

  /** `null` if there is no such task. */
  async get(id: string): Promise<Head | null> {
    return (await this.entry(id)).value;
  }

  /** A head with the versionstamp that a commit may check. */
  async entry(id: string): Promise<Deno.KvEntryMaybe<Head>> {
    using pending = this.#pending.open();
    return current(await this.#kv.get<Head>(keys.task(id)), pending);
  }

  /** As {@link Heads.entry}, with pending rows and checkpoint; the record has any pending progress. */
  async withState(
    id: string,
  ): Promise<{ entry: Deno.KvEntryMaybe<Head>; state: PendingState | undefined }> {
    using pending = this.#pending.open();
    const entry = await this.#kv.get<Head>(keys.task(id));
    const state = pending.get(id);
    if (entry.value === null || state === undefined) return { entry, state: undefined };
    const seq = seqOf(entry.value.record);
    const { checkpoint } = state;
    return {
      entry: current(entry, pending),
      state: {
        seq: state.seq,
        checkpoint: checkpoint && checkpoint.seq > seq ? checkpoint : undefined,
        rows: state.rows.filter((row) => row.seq > seq),
      },
    };
  }

  /** The heads of any number of tasks, in their order. */
  getMany(ids: readonly string[]): Promise<Deno.KvEntryMaybe<Head>[]> {
    return readCurrent(this.#pending, () => getMany<Head>(this.#kv, ids.map(keys.task)));
  }

  list(query: ListQuery, signal?: AbortSignal): Promise<TaskPage> {
    return listTasks(this.#kv, query, this.#pending, signal);
  }

  /** See {@link pagesOf}. */
  pages(filter: TaskFilter, pages: number): AsyncGenerator<TaskPage> {
    const list = (query: ListQuery, reads: Reads) =>
      listTasks(this.#kv, query, this.#pending, undefined, reads);
    return pagesOf(list, filter, pages);
  }

  /** The record as a client gets it, with its result. */
  async shown(head: Head): Promise<string> {
    const result = await readResult(this.#kv, head);
    return result === null ? head.record : withResult(head.record, result);
  }

  /** The task's input, as JSON text. */
  input(head: Head): Promise<string | null> {
    return readInput(this.#kv, head);
  }

  /** What the task saved last, as JSON text. */
  async checkpoint(id: string): Promise<string | null> {
    using pending = this.#pending.open();
    const stored = await readText(this.#kv, keys.checkpoint(id));
    return pending.get(id)?.checkpoint?.json ?? stored;
  }

  rows(id: string, after: number, limit: number): Promise<Page | null> {
    return historyPage(this.#kv, id, after, limit, this.#pending);
  }

  rowReader(id: string): RowReader {
    return new RowReader(this.#kv, id, this.#pending);
  }

  queuePosition(record: TaskRecord, now: number, most: number): Promise<number | null> {
    return queuePosition(this.#kv, rankOf(record), now, most);
  }
}
