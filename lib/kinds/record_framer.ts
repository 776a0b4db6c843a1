/** Bytes a record may have; beyond, something is wrong with it, most likely a stray quote. */
export const MAX_RECORD_BYTES = 1_048_576;

const CR = 13;
const QUOTE = 34;

/** Where a record lies in {@link RecordFramer.bytes}. Valid until the next `push()`. */
export interface Frame {
  /** Index of the first byte. */
  start: number;
  /** Index after the last byte, line end not included. */
  end: number;
  /** The line of the file it starts at, from 1. */
  line: number;
  /** Whether there is a quote in it. */
  quoted: boolean;
  /** Why it has no proper end. */
  problem: "unclosed" | "long" | undefined;
}

/** Where a {@link RecordFramer} stands: always at the start of a line. */
export interface FramerPosition {
  /** Bytes of the file before it. */
  offset: number;
  /** The line it is at, from 1. */
  line: number;
  /** Whether the rest of a line too long to keep is still to be dropped. */
  skipping: boolean;
}

/**
 * Finds where the records of a CSV file end, and leaves what is in them to a parser: a line end
 * with an even number of quotes before it ends the record (RFC 4180, section 2, rules 5 to 7).
 * Empty lines are passed over. Where that finds no end within {@link MAX_RECORD_BYTES} or before
 * the end of the file, the frame has a `problem`; {@link skipLine} then gives up its first line
 * only, so a stray quote costs one line, and each byte is looked at about twice at worst.
 *
 * Memory is bounded by the record size and one piece, and the frames depend on the bytes alone,
 * not on how they are cut into pieces.
 */
export class RecordFramer {
  #newline: number;
  #maxRecord: number;
  #bytes = new Uint8Array(131_072);
  #start = 0;
  #end = 0;
  #ended = false;
  #offset: number;
  #line: number;
  #skipping: boolean;
  // The record under way, so that no byte is scanned anew when a piece is added.
  #scan = 0;
  #quoting = false;
  #quoted = false;
  #lines = 0;

  /**
   * Begins, or goes on from a state.
   *
   * @param newline The byte that ends a line: 10 (also for CR LF) or 13.
   */
  constructor(
    newline: number,
    from: FramerPosition = { offset: 0, line: 1, skipping: false },
    maxRecord: number = MAX_RECORD_BYTES,
  ) {
    this.#newline = newline;
    this.#maxRecord = maxRecord;
    this.#offset = from.offset;
    this.#line = from.line;
    this.#skipping = from.skipping;
  }

  /** What the frames index. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the first byte lies that no frame has covered yet. */
  get position(): FramerPosition {
    return { offset: this.#offset, line: this.#line, skipping: this.#skipping };
  }

  /** Adds bytes. Ends the life of all frames. */
  push(piece: Uint8Array): void {
    if (this.#bytes.length - this.#end < piece.length) this.#makeRoom(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Tells that no bytes follow. */
  finish(): void {
    this.#ended = true;
  }

  /** The next record; `undefined` when it needs more bytes, or when there is none. */
  next(): Frame | undefined {
    const newline = this.#newline;
    const bytes = this.#bytes;
    if (this.#skipping && !this.#dropLine()) return undefined;
    for (;;) {
      const start = this.#start;
      const limit = Math.min(this.#end, start + this.#maxRecord + 1);
      let scan = this.#scan;
      let quoting = this.#quoting;
      for (; scan < limit; scan++) {
        const byte = bytes[scan];
        if (byte === QUOTE) {
          quoting = !quoting;
          this.#quoted = true;
        } else if (byte === newline) {
          this.#lines++;
          if (!quoting) break;
        }
      }
      this.#scan = scan;
      this.#quoting = quoting;
      if (scan === limit) {
        if (limit - start > this.#maxRecord) return this.#frame(limit, limit, "long");
        if (!this.#ended || limit === start) return undefined;
        const last = this.#frame(limit, limit, quoting ? "unclosed" : undefined);
        return last.end > last.start ? last : undefined;
      }
      const frame = this.#frame(scan, scan + 1, undefined);
      if (frame.end > frame.start) return frame;
    }
  }

  /** Goes back to the line after the one that `frame` starts with. Ends the life of later frames. */
  skipLine(frame: Frame): void {
    this.#offset -= this.#start - frame.start;
    this.#start = frame.start;
    this.#line = frame.line;
    this.#skipping = true;
    this.#dropLine();
  }

  #frame(end: number, next: number, problem: Frame["problem"]): Frame {
    const start = this.#start;
    const line = this.#line;
    const quoted = this.#quoted;
    if (problem === undefined && end > start && this.#bytes[end - 1] === CR) end--;
    this.#offset += next - start;
    this.#line += this.#lines;
    this.#start = next;
    this.#reset();
    return { start, end, line, quoted, problem };
  }

  #dropLine(): boolean {
    const at = this.#bytes.subarray(this.#start, this.#end).indexOf(this.#newline);
    const next = at < 0 ? this.#end : this.#start + at + 1;
    this.#offset += next - this.#start;
    this.#start = next;
    this.#skipping = at < 0;
    if (at >= 0) this.#line++;
    this.#reset();
    return at >= 0;
  }

  #reset(): void {
    this.#scan = this.#start;
    this.#quoting = false;
    this.#quoted = false;
    this.#lines = 0;
  }

  #makeRoom(count: number): void {
    const kept = this.#end - this.#start;
    let capacity = this.#bytes.length;
    while (capacity - kept < count) capacity *= 2;
    const bytes = capacity === this.#bytes.length ? this.#bytes : new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#scan -= this.#start;
    this.#start = 0;
    this.#end = kept;
  }
}
