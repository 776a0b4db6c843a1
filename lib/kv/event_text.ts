/**
 * The text form of events. In the journal a line is `type id kind seq json`, in a task's stored
 * rows `type seq json`; JSON as written by `JSON.stringify` holds no newline, so a newline ends a
 * line and a reader needs to parse no JSON to pass an event on.
 *
 * @module
 */

/**
 * What an event is. `message` is the record at a state change, which is kept. `progress` and `head`
 * are the record at any other time, which is conflated: with `head` it was written to the task's
 * head as well. A client sees all three as `message`. `log`, `output` and `complete` are as in a
 * stream; `deleted` and `cancel` (asked for) are for the journal alone.
 */
export type EventType =
  | "message"
  | "progress"
  | "head"
  | "log"
  | "output"
  | "complete"
  | "deleted"
  | "cancel";

/** One event of one task. */
export interface TaskEvent {
  /** What it is. */
  type: EventType;
  /** The task. */
  id: string;
  /** The task's kind. */
  kind: string;
  /** Its place among the task's events. */
  seq: number;
  /** Its data. */
  json: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An event as a line of the journal. */
export function journalLine(event: TaskEvent): string {
  return `${event.type} ${event.id} ${event.kind} ${event.seq} ${event.json}\n`;
}

/** Bytes that an event's journal line takes, at the most. */
export function eventSize(event: TaskEvent): number {
  return byteLength(event.json) + event.kind.length + 60;
}

/** A journal entry. */
export interface Entry {
  /** Which process wrote it. */
  sid: string;
  /** When, milliseconds, by a clock of that process that nobody sets: to be told from its others. */
  at: number;
  /** What it tells. */
  events: TaskEvent[];
}

/** The first line of a journal entry. */
export function entryLine(sid: string, at: number): string {
  return `${sid} ${at}\n`;
}

/** Reads a journal entry. */
export function parseJournal(bytes: Uint8Array): Entry {
  const text = decoder.decode(bytes);
  const events: TaskEvent[] = [];
  const first = text.indexOf("\n");
  for (let at = first + 1; at < text.length;) {
    const end = text.indexOf("\n", at);
    if (end < 0) break; // cut short: what is no whole line is no event
    const type = text.indexOf(" ", at);
    const id = text.indexOf(" ", type + 1);
    const kind = text.indexOf(" ", id + 1);
    const seq = text.indexOf(" ", kind + 1);
    events.push({
      type: text.slice(at, type) as EventType,
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

/** Whether an event is progress: state, of which the newest counts. */
export function isProgress(type: EventType): boolean {
  return type === "progress" || type === "head";
}

/** A stored row: an event within its own task. */
export type Row = Pick<TaskEvent, "type" | "seq" | "json">;

/** Whether a row tells of a state: what a removal of the oldest rows leaves. */
export function isChange({ type }: Row): boolean {
  return type === "message" || type === "complete";
}

/** Rows as the value of one `event` key. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  let text = "";
  for (const row of rows) text += `${row.type} ${row.seq} ${row.json}\n`;
  return encoder.encode(text);
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

/** UTF-8 bytes of a text, without making them. Lone surrogates count as U+FFFD: 3 bytes. */
export function byteLength(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    size += unit < 0x800 ? 1 : 2;
    const pair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (pair) i++; // two units, four bytes: already counted as 2 + 2
  }
  return size;
}
