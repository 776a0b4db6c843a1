/** Where a decoder puts what it finds. Ranges are only valid during the call. */
export interface BodySink {
  /** A part of a response's body: `bytes[from..to)`. */
  body(bytes: Uint8Array, from: number, to: number): void;
  /** The response is complete. The decoder is ready for the next on the same connection. */
  end(): void;
}

const enum Phase {
  Head,
  Size,
  Extension,
  Data,
  DataEnd,
  Trailer,
  Length,
  UntilClose,
}

const CR = 13;
const LF = 10;

/**
 * Takes the framing off HTTP/1.1 responses (RFC 9112 §6: chunked, Content-Length, or until close)
 * as the bytes arrive, wherever the reads happen to cut them, without copying the body.
 */
export class HttpDecoder {
  #sink: BodySink;
  #phase: Phase = Phase.Head;
  #head = "";
  #remaining = 0;
  #lineLength = 0;
  #status = 0;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  /** The status of the newest response whose head is complete; 0 before the first. */
  get status(): number {
    return this.#status;
  }

  /** Takes `bytes[from..to)`. */
  push(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      switch (this.#phase) {
        case Phase.Data:
        case Phase.Length: {
          const until = Math.min(to, at + this.#remaining);
          this.#sink.body(bytes, at, until);
          this.#remaining -= until - at;
          at = until;
          if (this.#remaining > 0) break;
          if (this.#phase === Phase.Data) this.#phase = Phase.DataEnd;
          else this.#end();
          break;
        }
        case Phase.DataEnd:
          if (bytes[at++] === LF) this.#phase = Phase.Size;
          break;
        case Phase.Size: {
          const byte = bytes[at++]!;
          if (byte === LF) this.#sizeEnds();
          else if (byte === 0x3b) this.#phase = Phase.Extension;
          else if (byte !== CR) this.#remaining = this.#remaining * 16 + hexDigit(byte);
          break;
        }
        case Phase.Extension:
          if (bytes[at++] === LF) this.#sizeEnds();
          break;
        case Phase.Trailer: {
          const byte = bytes[at++]!;
          if (byte !== LF) this.#lineLength += byte === CR ? 0 : 1;
          else if (this.#lineLength === 0) this.#end();
          else this.#lineLength = 0;
          break;
        }
        case Phase.UntilClose:
          this.#sink.body(bytes, at, to);
          at = to;
          break;
        case Phase.Head:
          this.#head += String.fromCharCode(bytes[at]!);
          if (bytes[at++] === LF && this.#head.endsWith("\r\n\r\n")) this.#headEnds();
          break;
      }
    }
  }

  #sizeEnds(): void {
    this.#lineLength = 0;
    this.#phase = this.#remaining === 0 ? Phase.Trailer : Phase.Data;
  }

  #headEnds(): void {
    const head = this.#head.toLowerCase();
    this.#head = "";
    this.#status = Number(/^http\/1\.[01] (\d{3})/.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(this.#status)) throw new SyntaxError("Cannot read a response: no status line");
    this.#remaining = 0;
    const length = /\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (this.#status === 204 || this.#status === 304 || length === "0") this.#end();
    else if (/\ntransfer-encoding: *chunked/.test(head)) this.#phase = Phase.Size;
    else if (length === undefined) this.#phase = Phase.UntilClose;
    else {
      this.#remaining = Number(length);
      this.#phase = Phase.Length;
    }
  }

  #end(): void {
    this.#phase = Phase.Head;
    this.#remaining = 0;
    this.#sink.end();
  }
}

function hexDigit(byte: number): number {
  const digit = byte <= 57 ? byte - 48 : (byte | 32) - 87;
  if (digit < 0 || digit > 15) throw new SyntaxError(`Cannot read a chunk size: byte ${byte}`);
  return digit;
}
