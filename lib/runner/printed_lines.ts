/**
 * Turns what a task process prints into lines for the log, bounded in length and in number.
 *
 * @module
 */

import { MAX_LINE, readLine } from "../child/printed_line.ts";
import { delay } from "../task/delay.ts";

/** Characters of a line with the tag that names its run. */
const MAX_TAGGED = MAX_LINE + 18;

/** Bytes that may be printed at once. */
const BURST = 1024 * 1024;

/** Bytes a second that may be printed in the long run. */
const RATE = 64 * 1024;

/** Bytes that a line counts for beside its own: the log record around it. */
const A_LINE = 100;

/** Milliseconds between two reads while output is left out, so that reading it costs little. */
const PAUSE_MS = 1;

/** Milliseconds until the log says how much was left out. */
const TELL_MS = 1000;

export interface Printed {
  /** A line, not empty; `run` is `null` if the line does not name its run. */
  online(line: string, run: number | null): void;
  /** So many bytes were left out. */
  onleftout(bytes: number): void;
}

export async function readPrinted(
  chunks: AsyncIterable<Uint8Array>,
  printed: Printed,
): Promise<void> {
  const decoder = new TextDecoder();
  const take = (text: string) => {
    const { run, line } = readLine(text);
    if (line !== "") printed.online(line.slice(0, MAX_LINE), run);
  };
  let budget = BURST;
  let since = performance.now();
  let rest = "";
  let leftOut = 0;
  let telling: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    clearTimeout(telling);
    telling = undefined;
    if (leftOut > 0) printed.onleftout(leftOut);
    leftOut = 0;
  };
  try {
    for await (const chunk of chunks) {
      const now = performance.now();
      budget = Math.min(BURST, budget + (now - since) * RATE / 1000);
      since = now;
      if (budget <= 0) {
        leftOut += chunk.length;
        rest = "";
        telling ??= setTimeout(tell, TELL_MS);
        await delay(PAUSE_MS);
        continue;
      }
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, MAX_TAGGED);
      lines.forEach(take);
      budget -= chunk.length + A_LINE * lines.length;
    }
  } finally {
    take(rest);
    tell();
  }
}
