/**
 * Lists tasks, newest first, in pages that stay the same while new tasks arrive: a cursor is the id
 * of the last task seen, and ids sort by time.
 *
 * @module
 */

import { GET_MANY, getMany } from "./get_many.ts";
import { BEHIND_IDS, FIRST_ID, keys, nameIn } from "./keys.ts";
import { knownAmong, knownKinds } from "./known_kinds.ts";
import { newestIds, type Source } from "./newest_ids.ts";
import { NOTHING_PENDING, type PendingStates, readCurrent } from "./pending_state.ts";
import { Reads } from "./reads.ts";
import { rarestIds, type TaskSet } from "./member_ids.ts";
import { matcher, type TaskFilter } from "./task_filter.ts";
import { NO_PARENT } from "../task/labels.ts";
import { STATUSES } from "../task/record.ts";
import type { Head } from "./head.ts";

export interface ListQuery extends TaskFilter {
  /** Most records of a page, which has fewer if they are large. */
  limit: number;
}

export interface TaskPage {
  /** Records as JSON text, their results left out. */
  records: string[];
  /** The `before` of the next page; `null` if this is the last one. */
  next: string | null;
}

/** Characters of a page, about: it is held in memory until the client has read it. */
const MAX_PAGE = 512 * 1024;

/** Most tasks, and characters of them, that one page reads: a rare text takes several pages to find. */
const MAX_SCAN = 5000;
const MAX_SCAN_SIZE = 8 * 1024 * 1024;

/** Heads in the first read, of unknown size: a page of 100, and one to see if there are more. */
const FIRST = 101;

/** Indexes that are merged for a page. Where a query needs more, it looks at all tasks instead. */
const MAX_SOURCES = 500;

/**
 * Reads a page of tasks. Only for {@link ./heads.ts Heads}, which everybody else calls.
 *
 * @param signal Aborts when nobody waits for the page: the rest of it is not read.
 * @param reads Shared by all pages of a request that reads several.
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
  for await (const heads of readHeads(kv, reads, query, { since, before }, states)) {
    for (const { id, head } of heads) {
      if (
        records.length === limit || size >= MAX_PAGE || scanned === MAX_SCAN ||
        scannedSize >= MAX_SCAN_SIZE
      ) return { records, next: last ?? null };
      last = id;
      scanned++;
      if (!head) continue;
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
  /** `null` if the task was removed after the index was read. */
  head: Head | null;
}

interface Range {
  since: string;
  before: string;
}

/** Reads the heads that may match a query, newest first; the caller still has to check each. */
async function* readHeads(
  kv: Deno.Kv,
  reads: Reads,
  query: ListQuery,
  range: Range,
  states: PendingStates,
): AsyncGenerator<Entry[]> {
  const wanted = query.limit + 1;
  const sets = setsOf(query);
  if (sets.length > 0) {
    for await (const ids of rarestIds(kv, reads, sets, { ...range, wanted })) {
      for (let at = 0; at < ids.length; at += GET_MANY) {
        yield await headsOf(kv, reads, ids.slice(at, at + GET_MANY), states);
      }
    }
    return;
  }
  const sources = await sourcesOf(kv, query, reads);
  if (sources === null) return yield* allHeads(kv, reads, range, wanted, states);
  let ids: string[] = [];
  const parentless = query.parent_id === NO_PARENT;
  for await (const id of newestIds(kv, reads, { sources, ...range, wanted, parentless, states })) {
    if (ids.push(id) < GET_MANY) continue;
    yield await headsOf(kv, reads, ids, states);
    ids = [];
  }
  if (ids.length > 0) yield await headsOf(kv, reads, ids, states);
}

/** The sets that all contain a task which matches the filter. */
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
  states: PendingStates,
): AsyncGenerator<Entry[]> {
  const range = { start: keys.task(since), end: keys.task(before) };
  const sizeOf = ({ record }: Head) => record.length;
  const wrap = (read: () => Promise<Deno.KvEntry<Head>[]>) => readCurrent(states, read);
  const options = { first: Math.min(FIRST, wanted), sizeOf, wrap };
  for await (const entries of reads.newestFirst<Head>(kv, range, options)) {
    yield entries.map(({ key, value }) => ({ id: nameIn(key), head: value }));
  }
}

async function headsOf(
  kv: Deno.Kv,
  reads: Reads,
  ids: readonly string[],
  states: PendingStates,
): Promise<Entry[]> {
  const wanted = ids.map((id) => keys.task(id));
  const read = () => readCurrent(states, () => getMany<Head>(kv, wanted));
  const entries = await reads.run(ids.length, read);
  return entries.map(({ value }, n) => ({ id: ids[n]!, head: value }));
}

/** The indexes to read for a query; `null` if all heads are read instead. */
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

/** Tasks in a page that is not shown to anybody, but counted or acted on. */
const PAGE = 500;

/**
 * The tasks that match a filter, in at most `pages` pages; the caller may go on after the last one.
 *
 * @param list Reads a page, as {@link listTasks} does.
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
