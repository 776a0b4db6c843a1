import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/record.ts";
import { amount, percent, rate } from "../format.ts";
import { strings } from "../strings.ts";
import { isFinished } from "../task_state.ts";
import { ProgressBar } from "./progress_bar.tsx";
import { Freshness, TimeLeft, Took } from "./times.tsx";

/** How far a task is: what is going on, what part is done, how long it still takes. */
export function TaskProgress({ record }: { record: TaskRecord }): JSX.Element {
  const { status, progress, done, total, unit, stage, message } = record;
  const count = amount(done, total, unit);
  const speed = status === "running" ? rate(record.rate, unit, done !== null) : null;
  const under = isFinished(status) ? null : stage;
  const told = [progress === null ? null : count, speed].filter(Boolean).join(" · ");
  return (
    <section class="card progress">
      <div class="progress-head">
        <span class="progress-figure">
          {progress !== null ? percent(progress) : count ?? strings.status[status]}
        </span>
        <TimeLeft record={record} />
        <Took record={record} />
      </div>
      <ProgressBar record={record} />
      {(told !== "" || status === "running") && (
        <div class="progress-foot">
          <span class="text">{told}</span>
          <Freshness record={record} />
        </div>
      )}
      {(under || message) && (
        <p class="progress-message text">
          {under && <span class="stage">{under}</span>}
          {message}
        </p>
      )}
    </section>
  );
}
