/**
 * Rows of a log as text: for a person to read, and as the lines of a file.
 *
 * @module
 */

import type { LogRow, StateRow } from "./log_rows.ts";
import { strings } from "../i18n/strings.ts";
import { stepOf } from "./timeline.ts";

/** A change of the state, in words. The page shows the error above the log. */
export function stateText(row: StateRow): string {
  const step = stepOf(row);
  const name = strings.steps[step];
  const counts = step !== "queued" && step !== "scheduled" && step !== "interrupted";
  // A task may be canceled before its first attempt.
  const text = counts && row.attempt > 0 ? strings.changed(name, row.attempt) : name;
  return row.by === null ? text : `${text} · ${strings.by(row.by)}`;
}

/** A row as a line of a file. Line breaks in its text are kept and indented. */
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
