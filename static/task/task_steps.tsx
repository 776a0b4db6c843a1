import type { JSX } from "preact";
import type { StepRow } from "../../lib/task/record.ts";
import { knownUntil } from "../app/connection.ts";
import { whoIn } from "../app/who.ts";
import { clockTime, fullTime, tookTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "./task_state.ts";
import { StepCard, StepError } from "./step_card.tsx";
import { task } from "./task_store.ts";

/** Steps shown at first: the newest. */
const FEW = 12;

/** The step of the timeline that looks the same. */
const LOOKS = {
  running: "running",
  waiting: "waiting",
  done: "completed",
  failed: "failed",
} as const;

/** The steps, sleeps and signals of the task, each with its outcome. */
export function TaskSteps(): JSX.Element | null {
  const { steps, record } = task.value;
  const over = record !== null && isFinished(record.status);
  return (
    <StepCard
      title={strings.stepList.title}
      steps={steps}
      few={FEW}
      draw={(step) => <Entry key={step.name} step={step} over={over} />}
    />
  );
}

function Entry({ step, over }: { step: StepRow; over: boolean }): JSX.Element {
  const { name, type, status, time, error } = step;
  const by = whoIn(step);
  const now = !over && (status === "running" || status === "waiting");
  return (
    <li class={`step step-${LOOKS[status]}${now ? " step-now" : ""}`}>
      <span class="step-name">
        <span class="text">{name}</span>{" "}
        <span class="step-note">
          {strings.stepList[type](status)}
          {by !== null && " · "}
          {by !== null && <span class="text">{by}</span>}
        </span>
      </span>{" "}
      <span class="step-took">{took(step, now)}</span>{" "}
      <time class="step-at" dateTime={time} title={fullTime(time)}>
        {clockTime(time)}
      </time>
      {error !== undefined && <StepError error={error} />}
    </li>
  );
}

/** How long a step took, or has taken up to now. */
function took({ duration_ms, time }: StepRow, now: boolean): string {
  if (duration_ms !== undefined) return tookTime(duration_ms);
  return now ? tookTime(Math.max(0, knownUntil.value - Date.parse(time))) : "";
}
