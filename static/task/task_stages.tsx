import type { JSX } from "preact";
import type { StageProgress, TaskRecord } from "../../lib/task/record.ts";
import { knownUntil } from "../app/connection.ts";
import { amount, percent, tookTime } from "../i18n/format.ts";
import { Bar } from "../ui/progress_bar.tsx";
import { isFinished } from "./task_state.ts";
import { samples } from "./task_details.ts";

/** The stages of the task, the time that each took, and the current one. */
export function TaskStages({ record }: { record: TaskRecord }): JSX.Element | null {
  if (record.stages) return <StageBars stages={record.stages} record={record} />;
  const { stages, points } = samples.value;
  if (record.attempt === 0 || (stages.length === 0 && record.stage === null)) return null;
  if (stages.length === 0) {
    return (
      <p class="stages">
        <span class="stage stage-name text">{record.stage}</span>
      </p>
    );
  }
  const end = points.at(-1)!.at;
  const runs = record.status === "running";
  return (
    <ol class="stages">
      {stages.map(({ name, from }, n) => {
        const next = stages[n + 1];
        const current = next === undefined && !isFinished(record.status);
        return (
          <li
            key={`${n}${from}`}
            class={`stage${current ? " stage-current" : ""}`}
            aria-current={current ? "step" : undefined}
          >
            <span class="stage-name text" title={name}>{name}</span>
            <StageTime from={from} to={next?.from ?? (runs ? null : end)} />
          </li>
        );
      })}
    </ol>
  );
}

/** Stages that have their own progress, each with a bar. */
function StageBars(
  { stages, record }: { stages: readonly StageProgress[]; record: TaskRecord },
): JSX.Element {
  const { stage, status } = record;
  return (
    <ol class="stage-bars">
      {stages.map(({ name, done, total, progress }) => {
        const current = status === "running" && isNamed(stage, name);
        // A stage that has not begun is at 0, not unknown.
        const value = progress ?? (current ? null : 0);
        const figure = value === null ? amount(done, total, null) : percent(value);
        return (
          <li key={name} class="stage-bar" aria-current={current ? "step" : undefined}>
            <span class={`text stage-name${current ? " stage-name-current" : ""}`} title={name}>
              {name}
            </span>
            <Bar name={name} status={value === 100 ? "completed" : status} value={value} small />
            <span class="stage-time">{figure}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** Whether `name` is the stage, or the beginning of it: a long name is cut, with an ellipsis. */
function isNamed(stage: string | null, name: string): boolean {
  return stage === name || (name.endsWith("…") && stage?.startsWith(name.slice(0, -1)) === true);
}

function StageTime({ from, to }: { from: number; to: number | null }): JSX.Element {
  return <span class="stage-time">{tookTime(Math.max(0, (to ?? knownUntil.value) - from))}</span>;
}
