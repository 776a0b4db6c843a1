/**
 * Lists tasks, newest first, in pages that stay the same while new tasks arrive: a cursor is the id
 * of the last task seen, and ids sort by time.
 *
 * @module
 */

import { GET_MANY, getMany } from "./get_many.ts";
import { BEHIND_IDS, FIRST_ID, indexedIn, type Key, keys, nameIn } from "./keys.ts";
import { newestIds, type Source } from "./newest_ids.ts";
import { NOTHING_PENDING, type PendingStates, withPending } from "./pending_state.ts";
import { Reads } from "./reads.ts";
import { rarestIds, type TaskSet } from "./member_ids.ts";
import { haveLabels, type Labels, NO_PARENT } from "../task/labels.ts";
import { type Status, STATUSES, type TaskRecord } from "../task/record.ts";
import type { Head } from "./head.ts";

/** What picks tasks; with `owner` or `parent_id` those of one, with `tags` those that have each of them. */
export interface TaskFilter extends Labels {
  statuses?: readonly Status[];
  kinds?: readonly string[];
  /** Only those that the token of this name submitted. */
  submitter?: string;
  /** Only tasks in whose id, kind, stage, message or error this text stands, whatever its case. */
  text?: string;
  /** Only tasks older than this id. */
  before?: string;
  /** Only this id and younger ones. */
  since?: string;
}

export interface ListQuery extends TaskFilter {
  /** At most so many, fewer where they are large. */
  limit: number;
}

export interface TaskPage {
  /** Records as JSON text, their results left out. */
  records: string[];
  /** Ask for older ones with this as `before`; `null` when there are none. */
  next: string | null;
}

/** Characters of a page, about: one that nobody takes must not cost much. */
const MAX_PAGE = 512 * 1024;

/** Tasks looked at for one page, and characters of them: a rare text is found in several pages. */
const MAX_SCAN = 5000;
const MAX_SCAN_SIZE = 8 * 1024 * 1024;

/** Heads of the first read, before their size is known: a page of 100, and whether there are more. */
const FIRST = 101;

/** Indexes that are merged for a page. Where a query needs more, it looks at all tasks instead. */
const MAX_SOURCES = 500;

/**
 * For {@link ./heads.ts Heads}, which everybody else asks.
 *
 * @param signal Nobody waits for the page any more: what is left of it is not read.
 * @param reads Those of a request that reads several pages.
 * @throws The signal's reason.
 */
export async function listTasks(
  kv: Deno.Kv,
  query: ListQuery,
  states: PendingStates = NOTHING_PENDING,
  signal?: AbortSignal,
  reads: Reads = new Reads({ signal }),
): Promise<TaskPage> {
  const { limit, since = FIRST_ID, before = BEHIND_IDS } = query;
  const records: string[] = [];
  if (since >= before) return { records, next: null };
  const matches = matcher(query);
  let scanned = 0;
  let scannedSize = 0;
  let size = 0;
  let last: string | undefined;
  using pending = states.open();
  for await (const heads of readHeads(kv, reads, query, { since, before })) {
    for (const { id, stored } of heads) {
      if (
        records.length === limit || size >= MAX_PAGE || scanned === MAX_SCAN ||
        scannedSize >= MAX_SCAN_SIZE
      ) return { records, next: last ?? null };
      last = id;
      scanned++;
      if (!stored) continue;
      const head = withPending(stored, pending);
      const { record } = head;
      scannedSize += record.length;
      if (!matches(head)) continue;
      records.push(record);
      size += record.length;
    }
  }
  return { records, next: null };
}

interface Entry {
  id: string;
  /** `null` when it has gone since the index was read. */
  stored: Head | null;
}

interface Range {
  since: string;
  before: string;
}

/** Heads among which those are that a query picks, newest first. */
async function* readHeads(
  kv: Deno.Kv,
  reads: Reads,
  query: ListQuery,
  range: Range,
): AsyncGenerator<Entry[]> {
  const wanted = query.limit + 1;
  const sets = setsOf(query);
  if (sets.length > 0) {
    for await (const ids of rarestIds(kv, reads, sets, { ...range, wanted })) {
      for (let at = 0; at < ids.length; at += GET_MANY) {
        yield await headsOf(kv, reads, ids.slice(at, at + GET_MANY));
      }
    }
    return;
  }
  const sources = await sourcesOf(kv, query, reads);
  if (sources === null) return yield* allHeads(kv, reads, range, wanted);
  let ids: string[] = [];
  const parentless = query.parent_id === NO_PARENT;
  for await (const id of newestIds(kv, reads, { sources, ...range, wanted, parentless })) {
    if (ids.push(id) < GET_MANY) continue;
    yield await headsOf(kv, reads, ids);
    ids = [];
  }
  if (ids.length > 0) yield await headsOf(kv, reads, ids);
}

/** The sets in each of which a task must be. */
function setsOf({ submitter, owner, tags = [], parent_id }: TaskFilter): TaskSet[] {
  return [
    ...(parent_id === undefined || parent_id === NO_PARENT
      ? []
      : [(id: string) => keys.children(parent_id, id)]),
    ...(submitter === undefined ? [] : [(id: string) => keys.submitted(submitter, id)]),
    ...(owner === undefined ? [] : [(id: string) => keys.owned(owner, id)]),
    ...tags.map((tag) => (id: string) => keys.tagged(tag, id)),
  ];
}

async function* allHeads(
  kv: Deno.Kv,
  reads: Reads,
  { since, before }: Range,
  wanted: number,
): AsyncGenerator<Entry[]> {
  const range = { start: keys.task(since), end: keys.task(before) };
  const sizeOf = ({ record }: Head) => record.length;
  const options = { first: Math.min(FIRST, wanted), sizeOf };
  for await (const entries of reads.newestFirst<Head>(kv, range, options)) {
    yield entries.map(({ key, value }) => ({ id: nameIn(key), stored: value }));
  }
}

async function headsOf(kv: Deno.Kv, reads: Reads, ids: readonly string[]): Promise<Entry[]> {
  const wanted = ids.map((id) => keys.task(id));
  const entries = await reads.run(ids.length, () => getMany<Head>(kv, wanted));
  return entries.map(({ value }, n) => ({ id: ids[n]!, stored: value }));
}

/** The indexes that hold what a query picks; `null` when all heads are looked at instead. */
async function sourcesOf(
  kv: Deno.Kv,
  { statuses, kinds, parent_id }: ListQuery,
  reads: Reads,
): Promise<Source[] | null> {
  if (statuses === undefined && kinds === undefined && parent_id === undefined) return null;
  const wanted = [...new Set(statuses ?? STATUSES)];
  const most = Math.floor(MAX_SOURCES / wanted.length);
  const some = kinds
    ? await knownAmong(kv, [...new Set(kinds)], reads)
    : await reads.run(most, () => knownKinds(kv, most + 1));
  if (some.length > most) return null;
  return some.flatMap((kind) => wanted.map((status): Source => [kind, status]));
}

/** Those of the kinds that have ever had a task here. */
async function knownAmong(
  kv: Deno.Kv,
  kinds: readonly string[],
  reads: Reads,
): Promise<string[]> {
  const known: string[] = [];
  for (let at = 0; at < kinds.length; at += GET_MANY) {
    const some = kinds.slice(at, at + GET_MANY);
    const entries = await reads.run(some.length, () => getMany(kv, some.map(keys.kind)));
    known.push(...some.filter((_, n) => entries[n]!.versionstamp !== null));
  }
  return known;
}

/** Whether a head, with its record as JSON text, is one that a query picks. */
function matcher(query: ListQuery): (head: Head) => boolean {
  const { statuses, kinds, submitter, owner, tags = [], parent_id, text } = query;
  const some = [statuses, kinds, submitter, owner, parent_id, text].some((it) => it !== undefined);
  if (!some && tags.length === 0) return () => true;
  const wanted = text?.toLowerCase();
  const states = statuses && new Set(statuses);
  const names = kinds && new Set(kinds);
  return (head) => {
    if (submitter !== undefined && head.submitter !== submitter) return false;
    const record = JSON.parse(head.record) as TaskRecord;
    if (states && !states.has(record.status)) return false;
    if (names && !names.has(record.kind)) return false;
    if (!haveLabels(record, query)) return false;
    if (wanted === undefined) return true;
    const { task_id, kind, stage, message, error } = record;
    return [task_id, kind, stage, message, error?.message]
      .some((field) => field?.toLowerCase().includes(wanted));
  };
}

/** Tasks of a page that nobody is shown. */
const PAGE = 500;

/**
 * What a filter picks, in pages, to at most so many: who asks may go on behind the last one.
 *
 * @param list As {@link listTasks} lists.
 */
export async function* pagesOf(
  list: (query: ListQuery, reads: Reads) => Promise<TaskPage>,
  filter: TaskFilter,
  pages: number,
): AsyncGenerator<TaskPage> {
  const reads = new Reads();
  let query: ListQuery = { ...filter, limit: PAGE };
  for (let n = 0; n < pages; n++) {
    const page = await list(query, reads);
    yield page;
    if (page.next === null) return;
    query = { ...query, before: page.next };
  }
}

/** Every kind that ever had a task here, or the first so many. */
export async function knownKinds(kv: Deno.Kv, limit = Infinity): Promise<string[]> {
  const kinds: string[] = [];
  const options = limit === Infinity ? { batchSize: 500 } : { limit, batchSize: 500 };
  for await (const { key } of kv.list({ prefix: keys.kinds }, options)) kinds.push(nameIn(key));
  return kinds;
}

/** The ids of every task of a state, oldest first, whatever its kind. */
export async function* idsOf(kv: Deno.Kv, status: Status): AsyncGenerator<string> {
  for (const kind of await knownKinds(kv)) {
    const prefix: Key = keys.indexOf(kind, status);
    for await (const { key } of kv.list({ prefix }, { batchSize: 500 })) yield indexedIn(key);
  }
}
