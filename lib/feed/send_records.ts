/**
 * Sends a snapshot of tasks that are given by id, in as many messages as their records need.
 *
 * @module
 */

import { catchUp } from "../kv/catch_up.ts";
import { GET_MANY } from "../kv/get_many.ts";
import type { Heads } from "../kv/heads.ts";
import { encodeMessage } from "../sse/encode.ts";
import type { SseStream } from "../sse/stream.ts";
import { picksRecord, type Some } from "./selection.ts";
import { type Opening, seqsOf, snapshotData, snapshotEvent } from "./snapshots.ts";

const encoder = new TextEncoder();

/** About the most characters of records in one message, which is kept until the client takes it. */
const MAX_RECORDS = 1024 * 1024;

export interface SentRecords {
  readonly ids: readonly string[];
  /** Picks some of the ids. */
  readonly selection: Some;
  readonly opening: Opening;
  /** The cursor just before the records are read. */
  readonly level: string;
}

/**
 * Sends a snapshot. Records that do not fit into one message follow as changes, and then no message
 * has an id: a client that is cut off in the middle gets a new snapshot when it connects again.
 *
 * @returns The `seq` of each task that was sent; `null` if the client has left.
 */
export async function sendRecords(
  stream: SseStream,
  heads: Heads,
  { ids, selection, opening, level }: SentRecords,
): Promise<Map<string, number> | null> {
  const seqs = new Map<string, number>();
  let at = 0;
  // An empty snapshot has to be sent, too.
  do {
    const first = at === 0;
    const some = await catchUp(() => readRecords(heads, ids, at, selection), stream.closed);
    if (some === undefined) return null;
    const { records, next } = some;
    for (const [id, seq] of seqsOf(records)) seqs.set(id, seq);
    at = next;
    const id = first && at >= ids.length ? level : undefined;
    const text = first
      ? encodeMessage({ id, event: snapshotEvent(opening), data: snapshotData(records, opening) })
      : records.map((data) => encodeMessage({ data })).join("");
    stream.send(encoder.encode(text));
    await stream.drained();
  } while (at < ids.length);
  return seqs;
}

/** Reads records from an index on, as many as a message holds; `next` is the index to go on from. */
async function readRecords(
  heads: Heads,
  ids: readonly string[],
  from: number,
  selection: Some,
): Promise<{ records: string[]; next: number }> {
  const records: string[] = [];
  let size = 0;
  let at = from;
  for (; at < ids.length && size < MAX_RECORDS; at += GET_MANY) {
    for (const { value: head } of await heads.getMany(ids.slice(at, at + GET_MANY))) {
      if (head === null) continue;
      if (!picksRecord(head.record, selection)) continue;
      records.push(head.record);
      size += head.record.length;
    }
  }
  return { records, next: at };
}
