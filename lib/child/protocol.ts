/**
 * The messages that a server and its task processes send each other, over a channel of their own.
 *
 * A frame is a length (4 bytes, little endian, of what follows), a type (1 byte), and the content:
 * JSON, or a number (8 bytes) and bytes after it. For bytes of an upload it is the number of the
 * request that they answer; for those of an artifact, that of the run that makes it.
 *
 * @module
 */

import { concat } from "../base/bytes.ts";
import type { Report } from "../task/report.ts";
import type { TaskError } from "../task/record.ts";
import type { Answer, AnswerType } from "../task/answer.ts";
import type { UploadInfo } from "../task/context.ts";
import type { ArtifactInfo } from "../task/yield.ts";
import type { Kind } from "../task/kind.ts";
import type { Checked } from "./check_input.ts";

/** From the server process. */
export type ToTasks =
  | {
    type: "start";
    run: number;
    kind: string;
    id: string;
    attempt: number;
    maxAttempts: number;
    input: string | null;
    /** Whether the input is what its schema made of it. */
    parsed: boolean;
    checkpoint: string | null;
    /** How often the task has stored an answer. */
    answers: number;
    /** When its attempt began, as the record has it. */
    attemptAt: string | null;
    /** The trace context of its submit. */
    traceparent?: string;
  }
  /** Asks whether an input fits its kind. */
  | { type: "check"; request: number; kind: string; input: string | null; parsed: boolean }
  | { type: "abort"; run: number; reason: StopReason }
  /** The server will stop: the run ends at its next checkpoint, if it does not return before. */
  | { type: "quiesce"; run: number }
  /** The last batch was taken: the next may come. */
  | { type: "ack" }
  /** Answers `overdue`: how many batches came, and how many acks were sent. */
  | { type: "counts"; batches: number; acks: number }
  | { type: "info"; request: number; info: UploadInfo | null }
  /** What is stored under a name, and the signal of that name that came and was not taken yet. */
  | { type: "answer"; request: number; answer: Answer | null; signal: string | null }
  /** An answer is stored. */
  | { type: "kept"; request: number }
  /** Answers each part of a run's artifact. */
  | { type: "artifact"; run: number; answer: ArtifactAnswer }
  /** Answers `children`: all are made, or one cannot be. */
  | { type: "made"; request: number; refused: RefusedChild | null }
  /** Answers `outcomes`: those of some children, from the index that was asked for on. */
  | { type: "ended"; request: number; outcomes: EndedChild[] };

/** The answer to a part of an artifact; to its end, what is kept. */
export type ArtifactAnswer =
  | { taken: true }
  | { kept: ArtifactInfo }
  /** Why it is not kept, in words that follow "as". */
  | { refused: string };

/** From a task process. */
export type FromTasks =
  /** It is ready to run tasks of these kinds. */
  | { type: "ready"; kinds: Kind[] }
  /** Its module cannot be loaded. */
  | { type: "failed"; reason: string; stack: string }
  | { type: "checked"; request: number; checked: Checked }
  | { type: "batch"; events: RunEvent[] }
  /** Asks for a chunk of an upload, answered with a bytes frame (none when there is no such chunk). */
  | { type: "chunk"; request: number; upload: string; offset: number }
  | { type: "info"; request: number; upload: string }
  /** Asks what is stored under a name of its task. */
  | {
    type: "ask";
    request: number;
    run: number;
    name: string;
    /** Refuses a signal of this name that has not come by then. */
    closes?: true;
  }
  /** A run begins an artifact: its bytes follow, and an event that ends it. */
  | { type: "artifact"; run: number; name: string; media: string }
  /** Bytes of a run's artifact, which come as a frame of their own. */
  | { type: "bytes"; run: number; bytes: Uint8Array }
  /** Has a group's children made from index `from` on, or retried if they failed. */
  | {
    type: "children";
    request: number;
    run: number;
    name: string;
    from: number;
    entries: NewChild[];
    /** The trace context of the run. */
    traceparent?: string;
  }
  /** Asks for the outcomes of a group's children from index `from` on. */
  | { type: "outcomes"; request: number; run: number; name: string; from: number }
  /** It has waited long for an ack. */
  | { type: "overdue" }
  /** Something on the channel was lost: the process must be replaced. */
  | { type: "broken"; why: string };

/** Something a run yielded, in order; `json` is an object's text, and `""` the end of an artifact. */
export type RunEvent =
  | [run: number, type: "progress", report: Report]
  | [run: number, type: "log" | "output" | "save" | "step", json: string]
  | [run: number, type: "answer", kept: KeptAnswer]
  | [run: number, type: "artifact", json: ""]
  | [run: number, type: "end", end: RunEnd];

/** An answer to store, and the `step` row that tells of it. */
export interface KeptAnswer {
  /** `null` if nothing waits until it is stored. */
  request: number | null;
  name: string;
  answer: Answer;
  /** The row, an object's text. */
  row: string;
  /** Whether the signal of this name is taken. */
  takes: boolean;
}

/** A child to make. */
export interface NewChild {
  kind: string;
  /** JSON text; `null` for none. */
  input: string | null;
}

/** Children made at once, at most. */
export const MAX_NEW_CHILDREN = 100;

/** Why a child cannot be made. */
export interface RefusedChild {
  index: number;
  message: string;
  /** There would be too many children, or they would be nested too deep. */
  range?: true;
}

/** The outcome of a child. */
export interface EndedChild {
  task_id: string;
  status: "completed" | "failed" | "canceled";
  /** JSON text; `null` for none. */
  result: string | null;
  error: TaskError | null;
}

/** How a generator ended. */
export type RunEnd =
  /** With `large`, what it returned was kept as an artifact. */
  | { how: "returned"; json: string | null; large?: true }
  /** With `final`, no retry can help. */
  | { how: "threw"; error: TaskError; stack: string; final?: true }
  /** Its code left an uncaught error, in the server's own process. */
  | { how: "strayed"; error: TaskError; stack: string }
  /** It returned to wait; what it waits for was stored as an answer before. */
  | { how: "waits"; type: Exclude<AnswerType, "step">; name: string; until: number | null }
  | { how: "stopped"; reason: StopReason; stack?: string };

/** Why a run is told to stop. */
export type StopReason = "cancel" | "timeout" | "stop";

/** A frame: a message, or bytes with their number. */
export type Frame<Message> = { message: Message } | { number: number; bytes: Uint8Array };

const JSON_FRAME = 1;
const BYTES_FRAME = 2;
const HEADER = 5;
const NUMBER = 8;

/**
 * Bytes of a frame, at most: a peer that claims more is not one of ours. A batch of texts of 1 MiB
 * takes about a third of that even if all of it must be escaped.
 */
const MAX_FRAME = 8 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message as a frame. */
export function encodeFrame(message: ToTasks | FromTasks): Uint8Array<ArrayBuffer> {
  if (message.type === "bytes") return encodeBytesFrame(message.run, message.bytes);
  return frame(JSON_FRAME, encoder.encode(JSON.stringify(message)));
}

/** Bytes as a frame. */
export function encodeBytesFrame(number: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(NUMBER + bytes.length);
  new DataView(content.buffer).setFloat64(0, number, true);
  content.set(bytes, NUMBER);
  return frame(BYTES_FRAME, content);
}

function frame(type: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length, true);
  bytes[4] = type;
  bytes.set(content, HEADER);
  return bytes;
}

/** Puts frames together again from chunks cut anywhere. */
export class FrameDecoder<Message extends ToTasks | FromTasks> {
  #parts: Uint8Array[] = [];
  #length = 0;
  #wanted = HEADER;

  /**
   * Takes a chunk and returns the frames it completes.
   *
   * @throws {SyntaxError} If the chunk is not part of this protocol.
   */
  push(chunk: Uint8Array): Frame<Message>[] {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    // Joined only when there is something to read: a large frame must not be copied for each chunk.
    if (this.#length < this.#wanted) return [];
    const bytes = this.#parts.length === 1 ? chunk : concat(this.#parts);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: Frame<Message>[] = [];
    let at = 0;
    this.#wanted = HEADER;
    while (bytes.length - at >= HEADER) {
      const length = view.getUint32(at, true);
      const type = bytes[at + 4]!;
      const known = type === JSON_FRAME || (type === BYTES_FRAME && length >= NUMBER);
      if (length > MAX_FRAME || !known) {
        throw new SyntaxError("Cannot read the stream as it holds no frame of this protocol");
      }
      if (bytes.length - at < HEADER + length) {
        this.#wanted = HEADER + length;
        break;
      }
      const content = bytes.subarray(at + HEADER, at + HEADER + length);
      frames.push(
        type === JSON_FRAME ? { message: JSON.parse(decoder.decode(content)) as Message } : {
          number: view.getFloat64(at + HEADER, true),
          bytes: content.slice(NUMBER),
        },
      );
      at += HEADER + length;
    }
    this.#parts = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#length = bytes.length - at;
    return frames;
  }
}
