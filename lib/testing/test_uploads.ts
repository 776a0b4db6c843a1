/**
 * Uploads of a tested task, in memory.
 *
 * @module
 */

import type { UploadInfo } from "../task/context.ts";

/** The content of an upload; the name of a `File` is that of the upload. */
export type TestUpload = string | Uint8Array<ArrayBuffer> | Blob;

/** Later than any test runs. */
const EXPIRES_AT = "9999-12-31T23:59:59.999Z";

export class TestUploads {
  readonly #uploads: Readonly<Record<string, TestUpload>>;
  readonly #chunkBytes: number;

  /** Takes uploads by id, and the size of a chunk in bytes. */
  constructor(uploads: Readonly<Record<string, TestUpload>>, chunkBytes: number) {
    this.#uploads = uploads;
    this.#chunkBytes = chunkBytes;
  }

  async info(id: string): Promise<UploadInfo | null> {
    const content = this.#content(id);
    if (content === null) return null;
    const digest = new Uint8Array(
      await crypto.subtle.digest("SHA-256", await content.arrayBuffer()),
    );
    return {
      upload_id: id,
      size: content.size,
      sha256: digest.toHex(),
      name: content instanceof File ? content.name : null,
      expires_at: EXPIRES_AT,
    };
  }

  /** The chunk of an upload that begins at `offset`; empty past its end, or without such an upload. */
  async chunk(id: string, offset: number): Promise<Uint8Array> {
    const part = this.#content(id)?.slice(offset, offset + this.#chunkBytes);
    return part ? new Uint8Array(await part.arrayBuffer()) : new Uint8Array();
  }

  #content(id: string): Blob | null {
    if (!Object.hasOwn(this.#uploads, id)) return null;
    const content = this.#uploads[id]!;
    return content instanceof Blob ? content : new Blob([content]);
  }
}
