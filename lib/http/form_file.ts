/**
 * The one file of a `multipart/form-data` body (RFC 7578, 2046 §5.1), as a page's form sends it, or
 * `curl -F file=@people.csv`. It is read as it arrives: nothing of the file is held, and little of
 * what is around it. What does not look like such a form is refused, never taken for content.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { concat } from "../base/bytes.ts";
import { HttpError } from "./errors.ts";

/** Most bytes of a form besides its file: boundaries, headers, other fields. */
export const MAX_AROUND = 64 * 1024;

export interface FormFile {
  /** The client's name for it; `null` if it gives none. */
  name: string | null;
  /** Must be read to its end: only then is it known that the form is complete and has no other file. */
  content: AsyncIterable<Uint8Array>;
}

/**
 * Whether a body is a form.
 *
 * @throws {HttpError} 415 for another `multipart` type.
 */
export function isForm(contentType: string | null): boolean {
  const type = (contentType ?? "").split(";")[0]!.trim().toLowerCase();
  if (!type.startsWith("multipart/")) return false;
  if (type === "multipart/form-data") return true;
  throw new HttpError(
    415,
    `'${type.slice(0, 64)}' is not accepted: send the file as the body itself`,
    {
      field: "Content-Type",
    },
  );
}

/**
 * Reads a form up to its file.
 *
 * @throws {HttpError} 400 when there is none, or the body is not a form; 413 when there is too much around it.
 *   Reading the content throws the same when another file follows, or the end is missing.
 */
export async function formFile(
  contentType: string,
  body: AsyncIterable<Uint8Array>,
): Promise<FormFile> {
  const form = new Form(body, boundaryOf(contentType));
  try {
    const file = await form.nextFile();
    if (file === null) {
      throw wrong("There is no file in the form: send one as curl -F file=@people.csv does");
    }
    return { ...file, content: form.content() };
  } catch (error) {
    await form.close();
    throw error;
  }
}

/** The boundary between two parts, with the line break before it. */
function boundaryOf(contentType: string): Buffer {
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? "";
  if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) {
    throw new HttpError(400, "A form needs a 'boundary' of 1 to 70 characters", {
      field: "Content-Type",
    });
  }
  return Buffer.from(`\r\n--${boundary}`);
}

const HEAD_END = Buffer.from("\r\n\r\n");

class Form {
  readonly #boundary: Buffer;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Bytes read and not yet used. The first boundary may lack the line break before it. */
  #rest: Uint8Array = Buffer.from("\r\n");
  #around = 0;
  #begun = false;

  constructor(body: AsyncIterable<Uint8Array>, boundary: Buffer) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#boundary = boundary;
  }

  /** The next part that is a file; `null` at the end of the form. */
  async nextFile(): Promise<Pick<FormFile, "name"> | null> {
    if (!this.#begun) await this.#skip(this.#boundary);
    this.#begun = true;
    while (!await this.#atEnd()) {
      const file = fileOf(new TextDecoder().decode(concat(await this.#take(HEAD_END))));
      if (file !== null) return file;
      await this.#skip(this.#boundary);
    }
    // Whatever follows the end is ignored.
    while (await this.#fill()) this.#count(this.#rest.length);
    return null;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#until(this.#boundary);
      if (await this.nextFile() !== null) {
        throw wrong("There is more than one file in the form: send each in a request of its own");
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Whether the boundary that was just read is the last one. */
  async #atEnd(): Promise<boolean> {
    while (this.#rest.length < 2) if (!await this.#fill(true)) throw cutOff();
    const [first, second] = this.#rest;
    if (first === 0x2d && second === 0x2d) {
      this.#count(this.#rest.length);
      return true;
    }
    // Only white space may follow on its line.
    if (first === 0x0d || first === 0x20 || first === 0x09) return false;
    throw wrong("The form is damaged: its boundary is in the middle of a line");
  }

  async #skip(mark: Buffer): Promise<void> {
    await this.#take(mark);
  }

  async #take(mark: Buffer): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    for await (const bytes of this.#until(mark)) {
      this.#count(bytes.length);
      taken.push(bytes);
    }
    this.#count(mark.length);
    return taken;
  }

  #count(bytes: number): void {
    this.#around += bytes;
    if (this.#around <= MAX_AROUND) return;
    throw new HttpError(413, `The form has more than ${MAX_AROUND} bytes besides its file`, {
      field: "body",
    });
  }

  /** Yields what comes before a mark, and stops after the mark. */
  async *#until(mark: Buffer): AsyncGenerator<Uint8Array> {
    while (true) {
      const rest = Buffer.from(this.#rest.buffer, this.#rest.byteOffset, this.#rest.length);
      const at = rest.indexOf(mark);
      // The mark may begin in the last bytes.
      const before = at >= 0 ? at : rest.length - mark.length + 1;
      this.#rest = this.#rest.subarray(at >= 0 ? at + mark.length : Math.max(0, before));
      if (before > 0) yield rest.subarray(0, before);
      if (at >= 0) return;
      if (!await this.#fill(true)) throw cutOff();
    }
  }

  /** Reads the next chunk; `false` at the end. @param keep Keeps unused bytes in front of it. */
  async #fill(keep = false): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#rest = keep && this.#rest.length > 0 ? concat([this.#rest, value]) : value;
    return true;
  }
}

/** The file that a part is, if it has a file name or is called `file`; `null` for another field. */
function fileOf(head: string): Pick<FormFile, "name"> | null {
  const headers = new Map<string, string>();
  for (const line of head.split("\r\n")) {
    const [, name, value] = /^([^:\s]+):(.*)$/s.exec(line) ?? [];
    if (name !== undefined) headers.set(name.toLowerCase(), value!.trim());
  }
  const disposition = headers.get("content-disposition") ?? "";
  if (!/^form-data\s*(;|$)/i.test(disposition)) {
    throw wrong("The form is damaged: a part of it has no 'Content-Disposition: form-data'");
  }
  const name = parameter(disposition, "filename") ?? extended(disposition);
  // A browser sends a field without a chosen file with an empty name.
  if (name === "" || (name === null && parameter(disposition, "name") !== "file")) return null;
  const transfer = (headers.get("content-transfer-encoding") ?? "binary").toLowerCase();
  if (["binary", "8bit", "7bit"].includes(transfer)) return { name };
  const sentence = `The file is encoded as '${transfer.slice(0, 64)}': send its bytes as they are`;
  throw new HttpError(415, sentence, { field: "body" });
}

function parameter(disposition: string, name: string): string | null {
  const pattern = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:\\\\"|[^"])*)"|([^\\s;"]*))`, "i");
  const [, quoted, plain] = pattern.exec(disposition) ?? [];
  // Browsers write a quotation mark in the first way [RFC 7578, 2], older curls in the second.
  return quoted?.replace(/%22|\\"/g, '"').replace(/%0D/gi, "\r").replace(/%0A/gi, "\n") ??
    plain ?? null;
}

/** Reads `filename*`, which some clients send though forms may not have it [RFC 7578, 4.2]. */
function extended(disposition: string): string | null {
  const [, coded] = /;\s*filename\*\s*=\s*UTF-8'[^']*'([^\s;]+)/i.exec(disposition) ?? [];
  try {
    return coded === undefined ? null : decodeURIComponent(coded);
  } catch {
    return coded!;
  }
}

function wrong(sentence: string): HttpError {
  return new HttpError(400, sentence, { field: "body" });
}

function cutOff(): HttpError {
  return wrong("The form is cut short: the boundary at its end is missing");
}
