/**
 * Calls an API with a rate limit: leaves a fixed time between requests, and if the API still asks to
 * wait, waits as long as it says, up to a bound.
 *
 *     HEADWAY_KINDS=./examples/kinds/rate_limited_api.ts deno task start
 *
 * @module
 */

import { defineTask, log, output, pause, progress, save } from "headway";
import { z } from "zod";

/** Milliseconds between two requests. */
const PACE_MS = 100;
/** Seconds to wait if the API does not say, and the most to wait if it does. */
const WAIT_S = 5;
const MAX_WAIT_S = 300;

export const lookUp = defineTask({
  kind: "look-up",
  description: "Looks up a list of names, at the pace of the API",
  // In production, take the URL from your configuration: who submits a task must not choose it.
  input: z.object({ url: z.url(), names: z.array(z.string()).min(1).max(1000) }),
  checkpoint: z.object({ done: z.int() }),
  retry: { maxAttempts: 3 },
  concurrency: 1, // over all machines: two runs at once would share the API's limit
  async *run({ input: { url, names }, checkpoint, signal }) {
    let done = checkpoint?.done ?? 0;
    while (done < names.length) {
      const name = names[done]!;
      const response = await fetch(`${url}?name=${encodeURIComponent(name)}`, { signal });
      if (response.status === 429 || response.status === 503) {
        await response.body?.cancel();
        const seconds = Math.min(Number(response.headers.get("retry-after")) || WAIT_S, MAX_WAIT_S);
        yield log(`The API asks to wait ${seconds} s`, { level: "warn", name });
        await pause(1000 * seconds, signal);
        continue;
      }
      if (!response.ok) throw new Error(`'${name}' was answered with ${response.status}`);
      yield output({ name, found: await response.json() });
      done++;
      yield progress({ done, total: names.length, unit: "names" });
      yield save({ done });
      await pause(PACE_MS, signal);
    }
    return { done };
  },
});
