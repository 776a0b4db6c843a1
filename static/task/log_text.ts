/**
 * Rows of a log as text: what a person reads, and lines of a file.
 *
 * @module
 */

import type { LogRow, StateRow } from "./log_rows.ts";
import { strings } from "../i18n/strings.ts";
import { stepOf } from "./timeline.ts";

/** A change of the state, in words. Why it failed is told once, above the log. */
export function stateText(row: StateRow): string {
  const step = stepOf(row);
  const name = strings.steps[step];
  const counts = step !== "queued" && step !== "scheduled" && step !== "interrupted";
  // It may be canceled before the first attempt.
  const text = counts && row.attempt > 0 ? strings.changed(name, row.attempt) : name;
  return row.by === null ? text : `${text} · ${strings.by(row.by)}`;
}

/** A row as a line of a file. Further lines of its text are indented. */
export function rowLine(row: LogRow): string {
  return `${row.time} ${rest(row)}`.replace(/\r\n?|\n/g, "\n    ");
}

function rest(row: LogRow): string {
  switch (row.type) {
    case "log": {
      const { level, message, data } = row;
      return `${level.toUpperCase().padEnd(6)} ${message}${data === null ? "" : ` ${data}`}`;
    }
    case "output":
      return `OUTPUT ${row.text}`;
    case "rewind":
      return `REWIND ${strings.rewound}`;
    case "state": {
      const { error } = row;
      const why = error !== null && row.status !== "running" && row.status !== "completed"
        ? ` · ${error.name}: ${error.message}`
        : "";
      return `STATE  ${stateText(row)}${why}`;
    }
  }
}
