/**
 * Fetches a list page by page. After an attempt fails, the next one begins with the page that failed.
 * The new run after a crash or a deploy begins in the same way.
 *
 *     HEADWAY_KINDS=./examples/kinds/retry_with_checkpoint.ts deno task start
 *
 * @module
 */

import { defineTask, output, progress, save } from "headway";
import { z } from "zod";

export const fetchPages = defineTask({
  kind: "fetch-pages",
  description: "Fetches a list page by page",
  // In production, take the URL from your configuration: who submits a task must not choose it.
  input: z.object({ url: z.url(), pages: z.int().min(1) }),
  checkpoint: z.object({ page: z.int(), items: z.int() }),
  retry: { maxAttempts: 5, baseMs: 500, capMs: 30_000 },
  async *run({ input, checkpoint, signal, attempt }) {
    let { page, items } = checkpoint ?? { page: 0, items: 0 };
    yield progress({
      done: page,
      total: input.pages,
      unit: "pages",
      message: `attempt ${attempt}`,
    });
    while (page < input.pages) {
      const response = await fetch(`${input.url}?page=${page + 1}`, { signal });
      // An error ends the attempt; the checkpoint is kept for the next one.
      if (!response.ok) throw new Error(`Page ${page + 1} was answered with ${response.status}`);
      const found: unknown[] = await response.json();
      page++;
      items += found.length;
      yield output({ page, found });
      yield progress({ done: page, total: input.pages, unit: "pages" });
      // Stored together with what was yielded before it, or not at all.
      yield save({ page, items });
    }
    return { items };
  },
});
