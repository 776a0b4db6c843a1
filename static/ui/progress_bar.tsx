import type { JSX } from "preact";
import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { knownProgress } from "../client/progress/known_progress.ts";
import { percent } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

export interface ProgressBarProps {
  record: TaskRecord;
  /** In a row of the list. @default {false} */
  small?: boolean;
}

/** A task's bar; it moves to and fro where nobody knows how much there is to do. */
export function ProgressBar({ record, small = false }: ProgressBarProps): JSX.Element {
  const { kind, status } = record;
  return <Bar name={kind} status={status} value={knownProgress(record)} small={small} />;
}

export interface BarProps {
  name: string;
  status: Status;
  /** Percent; `null` while nobody knows. */
  value: number | null;
  /** Of half the height. */
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
        // Moved, not stretched: that needs no layout, and the end stays round.
        style={{ transform: unknown ? "" : `translateX(${value - 100}%)` }}
      />
    </div>
  );
}
