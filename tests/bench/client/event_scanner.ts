/** The parts of a server-sent event that a load client reads. The object is reused for each. */
export interface ScannedEvent {
  /** The event's name; `""` for an unnamed one. */
  name: string;
  /** The number before an id's dash or colon, or the whole id if it has neither; −1 without an id. */
  id: number;
  /** The number after that (Redis writes `1795396895554-12`, nchan `1795396895:12`), or 0. */
  idPart: number;
  /** Where the bytes of the first `data` line begin. */
  dataFrom: number;
  /** Where these bytes end. Equal to `dataFrom` for an event without data. */
  dataTo: number;
}

const LF = 10;
const SPACE = 32;
const DASH = 45;
const COLON = 58;

/**
 * Splits the body of an event stream into events without decoding or copying them, except for one
 * that is cut by the end of a read. It reads what the benched servers write (lines end with LF,
 * `name: value`, one `data` line an event) and is not a general parser: 40,000 events a second must
 * leave the processor to the server.
 */
export class EventScanner {
  #carry: Uint8Array | undefined;
  #onEvent: (bytes: Uint8Array, event: ScannedEvent) => void;

  /** @param onEvent Called for each event that has an id, a name or data. */
  constructor(onEvent: (bytes: Uint8Array, event: ScannedEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Takes `bytes[from..to)`. */
  push(bytes: Uint8Array, from: number, to: number): void {
    if (this.#carry !== undefined) {
      const joined = new Uint8Array(this.#carry.length + to - from);
      joined.set(this.#carry);
      joined.set(bytes.subarray(from, to), this.#carry.length);
      this.#carry = undefined;
      bytes = joined;
      from = 0;
      to = joined.length;
    }
    let start = from;
    for (let at = from; at + 1 < to; at++) {
      if (bytes[at] !== LF || bytes[at + 1] !== LF) continue;
      if (at > start) this.#scan(bytes, start, at);
      start = at + 2;
      at++;
    }
    if (start < to) this.#carry = bytes.slice(start, to);
  }

  #scan(bytes: Uint8Array, from: number, to: number): void {
    event.name = "";
    event.id = -1;
    event.idPart = 0;
    event.dataFrom = event.dataTo = to;
    let seen = false;
    for (let line = from; line < to;) {
      let end = line;
      while (end < to && bytes[end] !== LF) end++;
      const first = bytes[line];
      if (first === 0x69 /* id: */) {
        seen = true;
        readId(bytes, line + 4, end);
      } else if (first === 0x65 /* event: */) {
        seen = true;
        event.name = String.fromCharCode(...bytes.subarray(line + 7, end));
      } else if (first === 0x64 /* data: */ && event.dataFrom === to) {
        seen = true;
        event.dataFrom = line + 6;
        event.dataTo = end;
      }
      line = end + 1;
    }
    if (seen) this.#onEvent(bytes, event);
  }
}

const event: ScannedEvent = { name: "", id: -1, idPart: 0, dataFrom: 0, dataTo: 0 };

function readId(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  event.id = 0;
  for (; at < to && bytes[at] !== DASH && bytes[at] !== COLON; at++) {
    event.id = event.id * 10 + bytes[at]! - 48;
  }
  for (at++; at < to; at++) event.idPart = event.idPart * 10 + bytes[at]! - 48;
}

const MESSAGE = new TextEncoder().encode('"message":"');

/**
 * Where the text of the field `message` begins in the JSON object `bytes[from..to)`; −1 if it is
 * missing or `null`.
 */
export function messageStart(bytes: Uint8Array, from: number, to: number): number {
  const length = MESSAGE.length;
  search: for (let at = from; at + length <= to; at++) {
    if (bytes[at] !== MESSAGE[0] || bytes[at + 1] !== MESSAGE[1]) continue;
    for (let i = 2; i < length; i++) if (bytes[at + i] !== MESSAGE[i]) continue search;
    return at + length;
  }
  return -1;
}

/** The message of a tick or a row, as `pace.mjs` writes it. The object is reused for each. */
export interface Stamp {
  /** When it was yielded, in milliseconds of the wall clock with a fraction; 0 for a row without it. */
  time: number;
  /** The number of the tick or row, from 1. */
  tick: number;
}

const stamp: Stamp = { time: 0, tick: 0 };

/** Reads a text like `1795396895554.104 57"` at `at`; `undefined` if there is something else. */
export function readStamp(bytes: Uint8Array, at: number): Stamp | undefined {
  let time = 0;
  let scale = 0;
  for (; bytes[at] !== SPACE; at++) {
    const digit = bytes[at]! - 48;
    if (digit === -2 && scale === 0) scale = 1;
    else if (digit >= 0 && digit <= 9) {
      time = time * 10 + digit;
      scale *= 10;
    } else return undefined;
  }
  let tick = 0;
  for (at++; bytes[at] !== 0x22; at++) {
    const digit = bytes[at]! - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    tick = tick * 10 + digit;
  }
  stamp.time = scale > 1 ? time / scale : time;
  stamp.tick = tick;
  return stamp;
}

const ROW = new TextEncoder().encode("row ");

/** Reads `row 12"` or `row 1795396895554.104 12"` at `at`; `undefined` if there is something else. */
export function readRow(bytes: Uint8Array, at: number): Stamp | undefined {
  for (const byte of ROW) if (bytes[at++] !== byte) return undefined;
  if (readStamp(bytes, at) !== undefined) return stamp;
  let row = 0;
  for (; bytes[at] !== 0x22; at++) {
    const digit = bytes[at]! - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    row = row * 10 + digit;
  }
  stamp.time = 0;
  stamp.tick = row;
  return stamp;
}
