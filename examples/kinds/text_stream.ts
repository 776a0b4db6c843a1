/**
 * Streams a text while it is written, say by a language model: each part is an output that watchers
 * see at once. After a restart, the text continues from the last checkpoint; the outputs after that
 * are taken back, so that no part is there twice.
 *
 *     HEADWAY_KINDS=./examples/kinds/text_stream.ts deno task start
 *
 * @module
 */

import { defineTask, output, progress, save } from "headway";
import { z } from "zod";

/** Characters between two checkpoints: at worst, this many are written again. */
const SAVE_EVERY = 200;
/** Characters. A checkpoint and a result hold 48 KiB, and a character takes up to three bytes. */
const MAX_LENGTH = 15_000;

export const writeText = defineTask({
  kind: "write-text",
  description: "Has a text written, and passes it on piece by piece",
  // In production, take the URL from your configuration: who submits a task must not choose it.
  input: z.object({ url: z.url(), prompt: z.string() }),
  checkpoint: z.object({ text: z.string() }),
  retry: { maxAttempts: 3 },
  async *run({ input: { url, prompt }, checkpoint, signal }) {
    let text = checkpoint?.text ?? "";
    let saved = text.length;
    // A model can continue an answer: it gets the text so far with the question.
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
