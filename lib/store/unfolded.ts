/**
 * What is in the journal and has yet to be folded into a task's own keys: its rows, and its last
 * checkpoint.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { encodeRows, rowSize } from "../kv/event_text.ts";
import { textValue } from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import { isStored, type Row, type TaskEvent } from "../task/event.ts";
import type { Part } from "./write.ts";

/** Bytes of rows in one value: KV takes 64 KiB. */
const MAX_VALUE = 60 * 1024;

export class Unfolded {
  #rows: Row[] = [];
  #checkpoint: string | null = null;
  /** Bytes of all that was added since the last fold. */
  bytes = 0;

  add(events: readonly Pick<TaskEvent, "type" | "seq" | "json">[]): void {
    for (const event of events) {
      if (event.type === "checkpoint") this.#checkpoint = event.json;
      else if (isStored(event.type)) this.#rows.push(event);
      else continue;
      this.bytes += rowSize(event);
    }
  }

  /** Moves everything into a part that writes the head. */
  fold(id: string, { sets }: Required<Part>, keepCheckpoint: boolean): void {
    // The rows of a short task fit into one value, so none of them need be measured again.
    const chunks = this.bytes <= MAX_VALUE ? [this.#rows] : chunked(this.#rows);
    for (const rows of chunks) {
      if (rows.length === 0) continue;
      const value = encodeRows(rows);
      sets.push([keys.event(id, rows.at(-1)!.seq), value, value.length]);
    }
    const checkpoint = this.#checkpoint;
    if (checkpoint !== null && keepCheckpoint) {
      sets.push([keys.checkpoint(id), textValue(checkpoint), byteLength(checkpoint)]);
    }
    this.#rows = [];
    this.#checkpoint = null;
    this.bytes = 0;
  }
}

/** Groups rows by what fits into one value; a row that is too large for that is alone. */
function* chunked(rows: readonly Row[]): Generator<Row[]> {
  let chunk: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = rowSize(row);
    if (chunk.length > 0 && bytes + size > MAX_VALUE) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(row);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
