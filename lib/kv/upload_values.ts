/**
 * What the store holds of an upload.
 *
 * @module
 */

import type { UploadInfo } from "../task/define.ts";
import type { Whose } from "../task/labels.ts";

/** Bytes of a chunk: a value of KV holds 64 KiB. */
export const CHUNK_BYTES = 60 * 1024;

/** The value of an `upload` key. */
export interface StoredUpload extends UploadInfo {
  /** Bytes of each chunk but the last. */
  piece_size: number;
  /** Who may name it; absent in one that an older version took in. */
  whose?: Whose;
}

/** The value of an `arriving` key. */
export interface ArrivingUpload {
  /** The session that takes it in; `""` for one that is being removed. */
  sid: string;
  /** Bytes of its chunks. */
  size: number;
}
