/**
 * Passes on a text while it is being written, as by a language model. Whoever watches sees each piece
 * at once. After a restart the text goes on from the last checkpoint, and the pieces behind that no
 * longer count: none is there twice.
 *
 *     HEADWAY_KINDS=./examples/kinds/text_stream.ts deno task start
 *
 * @module
 */

import { defineTask, output, progress, save } from "headway";
import { z } from "zod";

/** Characters between two checkpoints: so much is written again at worst. */
const SAVE_EVERY = 200;
/** Characters: a checkpoint and a result hold 48 KiB, and a character takes up to three bytes. */
const MAX_LENGTH = 15_000;

export const writeText = defineTask({
  kind: "write-text",
  description: "Has a text written, and passes it on piece by piece",
  // In earnest the address stands in your configuration: who submits a task does not choose it.
  input: z.object({ url: z.url(), prompt: z.string() }),
  checkpoint: z.object({ text: z.string() }),
  retry: { maxAttempts: 3 },
  async *run({ input: { url, prompt }, checkpoint, signal }) {
    let text = checkpoint?.text ?? "";
    let saved = text.length;
    // Models take the beginning of their answer as well as the question.
    const body = JSON.stringify({ prompt, answer_so_far: text });
    const response = await fetch(url, { method: "POST", body, signal });
    if (!response.ok) throw new Error(`The model answered with ${response.status}`);
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      if (text.length + piece.length > MAX_LENGTH) throw new Error("The text is too long");
      yield output(piece);
      text += piece;
      yield progress({ done: text.length, unit: "characters" });
      if (text.length - saved < SAVE_EVERY) continue;
      yield save({ text });
      saved = text.length;
    }
    return { text };
  },
});
