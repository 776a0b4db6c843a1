import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { amount, number, percent } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { details } from "./task_details.ts";
import { kindProblem } from "./kind_problem.ts";
import { knownUntil } from "../app/connection.ts";
import { likelyStart } from "./likely_start.ts";
import { LongText } from "../ui/long_text.tsx";
import { knownProgress } from "../client/progress/known_progress.ts";
import { ProgressBar } from "../ui/progress_bar.tsx";
import { statusText } from "../ui/status.tsx";
import { TaskChildren } from "./task_children.tsx";
import { TaskChart } from "./task_chart.tsx";
import { TaskFigures } from "./task_figures.tsx";
import { TaskNotice } from "./task_notice.tsx";
import { TaskStages } from "./task_stages.tsx";
import { Took } from "./took.tsx";
import { TimeLeft } from "../ui/times.tsx";

/** The last place in the queue that the server counts to. */
const MAX_POSITION = 1000;

/** Characters of a message shown at first. */
const MAX_MESSAGE = 400;

/** The progress of a task: its message, the part that is done, and the time left. */
export function TaskProgress({ record }: { record: TaskRecord }): JSX.Element {
  const { message, cancel_requested, status } = record;
  const canceling = cancel_requested && status === "running";
  return (
    <section class={`card progress${canceling ? " progress-canceling" : ""}`}>
      <div class="progress-head">
        <span class="progress-figure text">{figure(record)}</span>
        <TimeLeft record={record} />
        <LikelyStart record={record} />
        <Took record={record} />
      </div>
      <ProgressBar record={record} />
      <TaskNotice record={record} />
      <TaskFigures record={record} />
      <TaskStages record={record} />
      <TaskChildren record={record} />
      {message && (
        <p class="progress-message text">
          <LongText text={message} limit={MAX_MESSAGE} />
        </p>
      )}
      <TaskChart />
    </section>
  );
}

/** When a queued task is likely to start. */
function LikelyStart({ record }: { record: TaskRecord }): JSX.Element | null {
  const text = likelyStart(record, details.value?.data.expected_start ?? null, knownUntil.value);
  return text === null ? null : <span class="time-left">{text}</span>;
}

/** The large figure, which is meant to be read from afar. */
function figure(record: TaskRecord): string {
  const { status, done, total, unit, attempt, stages } = record;
  const progress = knownProgress(record);
  if (status === "pending" && attempt === 0) {
    const data = details.value?.data;
    if (data?.task_id === record.task_id && data.waits_for?.type === "pause") {
      return strings.pause.kindPaused;
    }
    const place = data?.queue_position ?? null;
    return place === null || kindProblem(record) !== null
      ? statusText(record)
      : place === 1
      ? strings.nextInLine
      : strings.inLine(placesBefore(place));
  }
  if (progress !== null) return percent(progress);
  // The total may be known for a stage but not for the whole.
  return amount(done, stages ? total : null, unit) ?? statusText(record);
}

/** How many tasks are before a place in the queue, which counts from 1. */
export function placesBefore(place: number): string {
  return place > MAX_POSITION ? `${number(MAX_POSITION)}+` : number(place - 1);
}
