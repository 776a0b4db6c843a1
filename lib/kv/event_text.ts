/**
 * The text form of events. In the journal a line is `type id kind seq json`, in a task's stored
 * rows `type seq json`. JSON as `JSON.stringify` writes it has no newline, so that a newline ends a
 * line, and an event can be passed on without parsing it.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import type { EventType, Row, TaskEvent } from "../task/event.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An event as a line of the journal. */
export function journalLine(event: TaskEvent): string {
  return `${event.type} ${event.id} ${event.kind} ${event.seq} ${event.json}\n`;
}

/** Bytes that an event's journal line takes, at most. */
export function eventSize({ json, bytes = byteLength(json), kind }: TaskEvent): number {
  return bytes + kind.length + 60;
}

/** What an event costs its readers: its bytes, about, and as much for the work as 200 more. */
export function weightOf({ json }: TaskEvent): number {
  return json.length + 200;
}

export interface Entry {
  /** The session of the process that wrote it. */
  sid: string;
  /** When, in milliseconds of that process's monotonic clock: tells its entries from one another. */
  at: number;
  events: TaskEvent[];
}

/** The first line of a journal entry. */
export function entryLine(sid: string, at: number): string {
  return `${sid} ${at}\n`;
}

export function parseJournal(bytes: Uint8Array): Entry {
  const text = decoder.decode(bytes);
  const events: TaskEvent[] = [];
  const first = text.indexOf("\n");
  for (let at = first + 1; at < text.length;) {
    const end = text.indexOf("\n", at);
    if (end < 0) break; // cut short: only a whole line is an event
    const type = text.indexOf(" ", at);
    const id = text.indexOf(" ", type + 1);
    const kind = text.indexOf(" ", id + 1);
    const seq = text.indexOf(" ", kind + 1);
    const name = text.slice(at, type);
    events.push({
      // Headway 0.1 wrote `head` for progress that was written to the head as well.
      type: name === "head" ? "progress" : name as EventType,
      id: text.slice(type + 1, id),
      kind: text.slice(id + 1, kind),
      seq: Number(text.slice(kind + 1, seq)),
      json: text.slice(seq + 1, end),
    });
    at = end + 1;
  }
  const [sid = "", at] = text.slice(0, first).split(" ");
  return { sid, at: Number(at), events };
}

/** Rows as the value of one `event` key. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  let text = "";
  for (const row of rows) text += `${row.type} ${row.seq} ${row.json}\n`;
  return encoder.encode(text);
}

/** Bytes that a row takes in the value of an `event` key. */
export function rowSize({ type, seq, json, bytes = byteLength(json) }: Row): number {
  return type.length + String(seq).length + bytes + 3;
}

/** Reads the value of one `event` key. */
export function parseRows(bytes: Uint8Array): Row[] {
  const text = decoder.decode(bytes);
  const rows: Row[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    if (end < 0) break;
    const type = text.indexOf(" ", at);
    const seq = text.indexOf(" ", type + 1);
    rows.push({
      type: text.slice(at, type) as EventType,
      seq: Number(text.slice(type + 1, seq)),
      json: text.slice(seq + 1, end),
    });
    at = end + 1;
  }
  return rows;
}
