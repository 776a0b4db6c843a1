/**
 * Lists tasks, newest first, in pages that stay as they are while new tasks arrive: a cursor is the
 * id of the last task seen, and ids sort by time.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { type Status, STATUSES, type TaskRecord } from "./record.ts";
import type { StoredTask } from "./stored.ts";

/** What {@link listTasks} picks. */
export interface ListQuery {
  /** Only these states. */
  statuses?: readonly Status[];
  /** Only these kinds. */
  kinds?: readonly string[];
  /** Only tasks in whose id, kind, stage, message or error this text stands, whatever its case. */
  text?: string;
  /** At the most so many, fewer where they are large. */
  limit: number;
  /** Only tasks older than this id. */
  before?: string;
  /** Only this id and younger ones. */
  since?: string;
}

/** A page of tasks. */
export interface TaskPage {
  /** Records as JSON text, their results left out. */
  records: string[];
  /** Ask for older ones with this as `before`; `null` when there are none. */
  next: string | null;
}

/** Characters of a page, about: one that nobody takes must not cost much. */
const MAX_PAGE = 512 * 1024;

/** Tasks looked at for one page, at the most: a rare text is found in several pages. */
const MAX_SCAN = 5000;

/**
 * See the module.
 *
 * @param freshen Puts into a head what the journal knows beyond it.
 */
export async function listTasks(
  kv: Deno.Kv,
  query: ListQuery,
  freshen: (stored: StoredTask) => StoredTask = (stored) => stored,
): Promise<TaskPage> {
  const { limit, statuses, kinds } = query;
  const records: string[] = [];
  let scanned = 0;
  let size = 0;
  let last: string | undefined;
  const indexed = statuses !== undefined || kinds !== undefined;
  const heads = indexed ? byIndex(kv, query) : all(kv, query);
  for await (const { id, stored } of heads) {
    if (records.length === limit || scanned === MAX_SCAN || size >= MAX_PAGE) {
      return { records, next: last ?? null };
    }
    last = id;
    scanned++;
    if (!stored) continue;
    const { record } = freshen(stored);
    if (!matches(record, query)) continue;
    records.push(record);
    size += record.length;
  }
  return { records, next: null };
}

interface Head {
  id: string;
  stored: StoredTask | null;
}

/** Sort before and behind every id. */
const FIRST_ID = "";
const BEHIND_IDS = "~";

async function* all(
  kv: Deno.Kv,
  { before, since, limit, text }: ListQuery,
): AsyncGenerator<Head> {
  const selector = { start: keys.task(since ?? FIRST_ID), end: keys.task(before ?? BEHIND_IDS) };
  const batchSize = text === undefined ? Math.min(500, limit + 1) : 500;
  const entries = kv.list<StoredTask>(selector, { reverse: true, batchSize });
  for await (const { key, value } of entries) yield { id: String(key[1]), stored: value };
}

/** Merges the index of each kind and state, newest id first, and reads the heads ten at a time. */
async function* byIndex(kv: Deno.Kv, query: ListQuery): AsyncGenerator<Head> {
  const { statuses = STATUSES, before = BEHIND_IDS, since = FIRST_ID, limit } = query;
  const kinds = query.kinds ?? await knownKinds(kv);
  const batchSize = Math.min(500, limit + 1);
  const sources = kinds.flatMap((kind) =>
    statuses.map((status) => {
      const selector = {
        start: keys.index(kind, status, since),
        end: keys.index(kind, status, before),
      };
      return kv.list(selector, { reverse: true, batchSize });
    })
  );
  const fronts = await Promise.all(sources.map((source) => source.next()));
  let ids: string[] = [];
  while (true) {
    let newest = -1;
    let newestId = "";
    for (const [n, front] of fronts.entries()) {
      if (front.done) continue;
      const id = String(front.value.key[3]);
      if (id > newestId) {
        newest = n;
        newestId = id;
      }
    }
    if (newest >= 0) {
      // A task that changes its state between two reads may stand in two indexes.
      if (ids.at(-1) !== newestId) ids.push(newestId);
      fronts[newest] = await sources[newest]!.next();
    }
    if (ids.length === 10 || (newest < 0 && ids.length > 0)) {
      const entries = await kv.getMany<StoredTask[]>(ids.map((id) => keys.task(id)));
      for (const [n, { value }] of entries.entries()) yield { id: ids[n]!, stored: value };
      ids = [];
    }
    if (newest < 0) return;
  }
}

function matches(json: string, { statuses, kinds, text }: ListQuery): boolean {
  if (statuses === undefined && kinds === undefined && text === undefined) return true;
  const record = JSON.parse(json) as TaskRecord;
  if (statuses && !statuses.includes(record.status)) return false;
  if (kinds && !kinds.includes(record.kind)) return false;
  if (text === undefined) return true;
  const { task_id, kind, stage, message, error } = record;
  const wanted = text.toLowerCase();
  return [task_id, kind, stage, message, error?.message]
    .some((field) => field?.toLowerCase().includes(wanted));
}

/** Every kind that ever had a task here. */
export async function knownKinds(kv: Deno.Kv): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { key } of kv.list({ prefix: keys.kinds })) kinds.push(String(key[1]));
  return kinds;
}

/** The ids of every task of a state, oldest first, whatever its kind. */
export async function* idsOf(kv: Deno.Kv, status: Status): AsyncGenerator<string> {
  for (const kind of await knownKinds(kv)) {
    const prefix: Key = keys.indexOf(kind, status);
    for await (const { key } of kv.list({ prefix }, { batchSize: 500 })) yield String(key[3]);
  }
}
