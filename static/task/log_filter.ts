/**
 * Which rows of a log are shown: by level, and by a text. What was filtered is remembered by chunk,
 * so that a row that is appended costs no look at the ten thousand before it.
 *
 * @module
 */

import type { LogChunk, LogRow, LogRows } from "./log_rows.ts";
import { stateText } from "./log_text.ts";
import { strings } from "../i18n/strings.ts";

/** The levels, least first. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of {@link LEVELS}. */
export type Level = typeof LEVELS[number];

/** Each one remembers what it has filtered. */
export interface LogFilter {
  /** The least level shown. States and outputs are shown with `info`. */
  readonly level: Level;
  /** What a row must hold, in whatever case; empty for anything. */
  readonly text: string;
  /** Finds the text; `null` where there is none. */
  readonly pattern: RegExp | null;
  /** Chunks that were filtered. */
  readonly seen: WeakMap<LogChunk, LogChunk>;
}

export function logFilter(level: Level = "debug", text = ""): LogFilter {
  const literal = text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const pattern = text === "" ? null : new RegExp(literal, "gi");
  return { level, text, pattern, seen: new WeakMap() };
}

/** The chunks, without the rows that do not pass; those of which none passes are left out. */
export function filterChunks(log: LogRows, filter: LogFilter): readonly LogChunk[] {
  const { level, pattern, seen } = filter;
  if (level === "debug" && pattern === null) return log.chunks;
  const least = LEVELS.indexOf(level);
  const kept: LogChunk[] = [];
  for (const chunk of log.chunks) {
    let found = seen.get(chunk);
    if (found === undefined) {
      const rows = chunk.rows.filter((row) =>
        rank(row) >= least && (pattern === null || holds(row, pattern))
      );
      seen.set(chunk, found = { ...chunk, rows });
    }
    if (found.rows.length > 0) kept.push(found);
  }
  return kept;
}

/** How many rows there are of a level that asks to be looked at. */
export function countLevel(log: LogRows, level: Level): number {
  let count = 0;
  for (const chunk of log.chunks) {
    let known = counted.get(chunk);
    if (known === undefined) {
      known = {};
      for (const row of chunk.rows) {
        if (row.type === "log") known[row.level] = (known[row.level] ?? 0) + 1;
      }
      counted.set(chunk, known);
    }
    count += known[level] ?? 0;
  }
  return count;
}

const counted = new WeakMap<LogChunk, Record<string, number>>();

/** A text in parts, of which every other, from the second on, is what was looked for. */
export function matches(text: string, pattern: RegExp | null): string[] {
  if (pattern === null) return [text];
  const parts: string[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    parts.push(text.slice(at, index), found);
    at = index + found.length;
  }
  return [...parts, text.slice(at)];
}

function rank(row: LogRow): number {
  // A level that is not known is shown, rather than not.
  const at = LEVELS.indexOf(row.type === "log" ? row.level as Level : "info");
  return at < 0 ? LEVELS.length : at;
}

function holds(row: LogRow, pattern: RegExp): boolean {
  // Unlike `test()` it leaves no `lastIndex` behind, from which `matchAll()` would begin.
  const found = (text: string) => text.search(pattern) >= 0;
  switch (row.type) {
    case "log":
      return found(row.message) || (row.data !== null && found(row.data));
    case "output":
      return found(row.text);
    case "rewind":
      return found(strings.rewound);
    case "state":
      return found(stateText(row));
  }
}
