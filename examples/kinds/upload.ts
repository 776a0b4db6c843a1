/**
 * Reads an upload of any size chunk by chunk. After a restart, continues from the last checkpoint.
 *
 *     HEADWAY_KINDS=./examples/kinds/upload.ts deno task start
 *
 * @module
 */

import { defineTask, progress, save } from "headway";
import { z } from "zod";

const LINE_FEED = 10;
/** Bytes between two checkpoints: at worst, this many are read again. */
const SAVE_EVERY = 1_048_576;

export const countLines = defineTask({
  kind: "count-lines",
  description: "Counts the lines of a file",
  input: z.object({ upload: z.string().describe("The upload's id") }),
  checkpoint: z.object({ offset: z.int(), lines: z.int() }),
  async *run({ input, checkpoint, upload, uploadInfo }) {
    const { size, name } = await uploadInfo(input.upload);
    let { offset, lines } = checkpoint ?? { offset: 0, lines: 0 };
    let saved = offset;
    for await (const piece of upload(input.upload, { offset })) {
      for (const byte of piece) if (byte === LINE_FEED) lines++;
      // A checkpoint holds both offset and count: if they did not match, the result would be wrong.
      offset += piece.length;
      yield progress({ done: offset, total: size, unit: "bytes", message: `${lines} lines` });
      if (offset - saved < SAVE_EVERY) continue;
      yield save({ offset, lines });
      saved = offset;
    }
    return { name, lines };
  },
});
