import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { percent } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

/** What {@link ProgressBar} takes. */
export interface ProgressBarProps {
  /** The task. */
  record: TaskRecord;
  /** In a row of the list. @default {false} */
  small?: boolean;
}

/** Percent to show: a task that completed with a part of the work left over has not done all of it. */
export function shownProgress({ status, progress, done, total }: TaskRecord): number | null {
  if (status !== "completed" || done === null || total === null || done >= total) return progress;
  return total > 0 ? 100 * done / total : progress;
}

/** A task's bar; it moves to and fro where nobody knows how much there is to do. */
export function ProgressBar({ record, small = false }: ProgressBarProps): JSX.Element {
  const { kind, status } = record;
  const progress = shownProgress(record);
  const unknown = progress === null && status === "running";
  const value = progress ?? 0;
  return (
    <div
      class={`bar bar-${status}${small ? " bar-small" : ""}${unknown ? " bar-unknown" : ""}`}
      role="progressbar"
      aria-label={strings.progressOf(kind)}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(unknown ? {} : { "aria-valuenow": value, "aria-valuetext": percent(value) })}
    >
      <div
        class="bar-fill"
        // Moved, not stretched: that needs no layout, and the end stays round.
        style={{ transform: unknown ? "" : `translateX(${value - 100}%)` }}
      />
    </div>
  );
}
