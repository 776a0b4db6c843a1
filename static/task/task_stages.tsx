import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { now } from "../app/clock.ts";
import { tookTime } from "../i18n/format.ts";
import { isFinished } from "./task_state.ts";
import { samples } from "./task_details.ts";

/** The named parts of the work, how long each took, and which one is under way. */
export function TaskStages({ record }: { record: TaskRecord }): JSX.Element | null {
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

function StageTime({ from, to }: { from: number; to: number | null }): JSX.Element {
  return <span class="stage-time">{tookTime(Math.max(0, (to ?? now.value) - from))}</span>;
}
