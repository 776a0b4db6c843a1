/**
 * The kinds of the model test. What one does is written in its input, so that its rows tell whether
 * anything went wrong with it.
 *
 * @module
 */

import "./shifted_clock.ts";
import { type AnyTask, defineTask, log, output, pause, progress, save } from "headway";
import { LIMIT, SCRIPT } from "./script.ts";

function modelKind(kind: string, options: { concurrency?: number }): AnyTask {
  return defineTask({
    kind,
    input: SCRIPT,
    retry: { maxAttempts: 3, baseMs: 1, capMs: 20 },
    ...options,
    async *run({ input, checkpoint, signal, attempt }) {
      const { nonce, rows, every, pause_ms, fails, holds } = input;
      const padding = "x".repeat(input.padding);
      const from: number = checkpoint?.row ?? 0;
      yield output({ from, attempt });
      for (let row = from + 1; row <= rows; row++) {
        yield log(`row ${row}`, { row, padding });
        yield progress({ done: row, total: rows, unit: "rows" });
        if (attempt <= fails && row > rows / 2) throw new RangeError("as told");
        if (row % every > 0) continue;
        yield save({ row });
        if (pause_ms > 0) await pause(pause_ms, signal);
      }
      if (holds) await pause(2 ** 30, signal);
      return { nonce, rows };
    },
  });
}

/** As many as there is room for. */
export const model = modelKind("model", {});

/** At most {@link LIMIT} at once. */
export const limited = modelKind("model-limited", { concurrency: LIMIT });

/** One of very many: see `crowd.ts`. */
export const crowd: AnyTask = defineTask({
  kind: "model-crowd",
  async *run() {},
});
