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

/** A task's bar; it moves to and fro where nobody knows how much there is to do. */
export function ProgressBar({ record, small = false }: ProgressBarProps): JSX.Element {
  const { kind, status, progress } = record;
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
