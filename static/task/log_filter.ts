/**
 * Filters the rows of a log by level and text. The result is cached for each chunk, so that an
 * appended row does not cost a pass over the ten thousand before it.
 *
 * @module
 */

import type { LogChunk, LogRow, LogRows } from "./log_rows.ts";
import { stateText } from "./log_text.ts";
import { strings } from "../i18n/strings.ts";

/** The levels, least first. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;

export type Level = typeof LEVELS[number];

/** A filter, with a cache of what it has filtered. */
export interface LogFilter {
  /** The lowest level shown. States and outputs count as `info`. */
  readonly level: Level;
  /** What a row must contain, in any case; empty for all rows. */
  readonly text: string;
  /** Finds `text`; `null` if that is empty. */
  readonly pattern: RegExp | null;
  /** The filtered chunk of each chunk seen. */
  readonly seen: WeakMap<LogChunk, LogChunk>;
}

export function logFilter(level: Level = "debug", text = ""): LogFilter {
  const literal = text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const pattern = text === "" ? null : new RegExp(literal, "gi");
  return { level, text, pattern, seen: new WeakMap() };
}

/** The chunks with only the rows that pass, without those that would be empty. */
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

/** How many log rows have this level. */
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

/** Splits a text by the matches: every other part, from the second on, is a match. */
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
  // An unknown level is always shown.
  const at = LEVELS.indexOf(row.type === "log" ? row.level as Level : "info");
  return at < 0 ? LEVELS.length : at;
}

function holds(row: LogRow, pattern: RegExp): boolean {
  // `test()` would set `lastIndex`, from which `matchAll()` starts.
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
