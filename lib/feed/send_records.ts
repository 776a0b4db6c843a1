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

/** Characters of records in one message, about: a client that does not take it costs so much. */
const MAX_RECORDS = 1024 * 1024;

export interface SentRecords {
  readonly ids: readonly string[];
  /** Those of them that it picks. */
  readonly selection: Some;
  readonly opening: Opening;
  /** The cursor of a moment before. */
  readonly level: string;
}

/**
 * Sends a snapshot. What of it is too large for one message follows as changes, all of it without an
 * id: who leaves in its middle has no snapshot, and gets one when it comes again.
 *
 * @returns The `seq` of each task that was told; `null` when the client has left.
 */
export async function sendRecords(
  stream: SseStream,
  heads: Heads,
  { ids, selection, opening, level }: SentRecords,
): Promise<Map<string, number> | null> {
  const seqs = new Map<string, number>();
  let at = 0;
  // Who has no tasks yet has to be told so, too.
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

/** Reads the records of tasks from one of them on, as many as a message holds. */
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
