import type { JSX } from "preact";
import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { knownProgress } from "../client/progress/known_progress.ts";
import { percent } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

export interface ProgressBarProps {
  record: TaskRecord;
  /** Whether it is in a row of the list. @default {false} */
  small?: boolean;
}

/** The progress bar of a task, animated while the progress is unknown. */
export function ProgressBar({ record, small = false }: ProgressBarProps): JSX.Element {
  const { kind, status } = record;
  return <Bar name={kind} status={status} value={knownProgress(record)} small={small} />;
}

export interface BarProps {
  name: string;
  status: Status;
  /** Percent; `null` while unknown. */
  value: number | null;
  /** Whether it has half the height. */
  small: boolean;
}

export function Bar({ name, status, value: known, small }: BarProps): JSX.Element {
  const unknown = known === null && status === "running";
  const value = known ?? 0;
  return (
    <div
      class={`bar bar-${status}${small ? " bar-small" : ""}${unknown ? " bar-unknown" : ""}`}
      role="progressbar"
      aria-label={strings.progressOf(name)}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(unknown ? {} : { "aria-valuenow": value, "aria-valuetext": percent(value) })}
    >
      <div
        class="bar-fill"
        // Translated, not resized: that needs no layout, and its end stays round.
        style={{ transform: unknown ? "" : `translateX(${value - 100}%)` }}
      />
    </div>
  );
}
