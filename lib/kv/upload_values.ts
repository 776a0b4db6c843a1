/**
 * The value of an upload in the store.
 *
 * @module
 */

import type { UploadInfo } from "../task/context.ts";
import type { Whose } from "../task/labels.ts";

/** The value of an `upload` key. */
export interface StoredUpload extends UploadInfo {
  /** Bytes of each chunk but the last. */
  piece_size: number;
  /** Who may name it; absent in one that an older version took in. */
  whose?: Whose;
}
