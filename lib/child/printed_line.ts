/**
 * Marks a line on stdout or stderr with the run that printed it: the run's number between two
 * control characters. It is written at once, so that a dying process does not lose its last lines.
 *
 * @module
 */

/** Characters of a line that are kept. */
export const MAX_LINE = 8192;

// deno-lint-ignore no-control-regex -- no text that people read begins with it
const TAG = /^\u001e(\d{1,16})\u001f/;

/** Tags lines of a run. They begin on a new line, as a program may be in the middle of one. */
export function tagLines(run: number, lines: readonly string[]): string {
  return `\n${lines.map((line) => `\u001e${run}\u001f${line}\n`).join("")}`;
}

/** Splits a printed line into its run and its text; `run` is `null` if it has no tag. */
export function readLine(text: string): { run: number | null; line: string } {
  const tag = TAG.exec(text);
  if (!tag) return { run: null, line: text };
  return { run: Number(tag[1]), line: text.slice(tag[0].length) };
}
