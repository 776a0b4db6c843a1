import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { knownUntil } from "../app/connection.ts";
import { clockTime, fullTime, tookTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { StepCard, StepError } from "./step_card.tsx";
import { task } from "./task_store.ts";
import { isEnd, type Step, timeline, withRecord } from "./timeline.ts";

/** Steps shown at first: the newest. */
const FEW = 8;

/** A step shorter than this many milliseconds is shown without its duration. */
const SHORT_MS = 20;

/** The history of the task: its states and attempts, with times. */
export function TaskTimeline(): JSX.Element | null {
  const steps = useComputed(() => {
    const { states, record } = task.value;
    return timeline(record === null ? states : withRecord(states, record));
  }).value;
  return (
    <StepCard
      title={strings.timeline}
      steps={steps}
      few={FEW}
      draw={(step, at) => (
        <Entry
          key={`${step.from} ${step.name} ${at}`}
          step={step}
          last={at === steps.length - 1}
        />
      )}
    >
      <Strip steps={steps} />
    </StepCard>
  );
}

/** The steps as a strip to scale. */
function Strip({ steps }: { steps: readonly Step[] }): JSX.Element | null {
  const times = steps.filter((step) => !isEnd(step));
  // Ends do not count: the time from an end to a retry is not the task's.
  const total = times.reduce((sum, step) => sum + length(step, knownUntil.value), 0);
  if (times.length < 2 || total <= 0) return null;
  return (
    <div class="strip" aria-hidden="true">
      {times.map((step, n) => (
        <span
          key={n}
          class={`strip-part step-${step.name}`}
          style={{ flexGrow: length(step, knownUntil.value) / total }}
        />
      ))}
    </div>
  );
}

function length({ from, to }: Step, at: number): number {
  return Math.max(0, (to ?? at) - from);
}

function Entry({ step, last }: { step: Step; last: boolean }): JSX.Element {
  const { name, from, error, until, attempt, resumed, to, by } = step;
  const iso = new Date(from).toISOString();
  // The page shows the last error in full above the log.
  const told = error === null || (last && name === "failed") ? null : error;
  return (
    <li class={`step step-${name}${to === null && !isEnd(step) ? " step-now" : ""}`}>
      <span class="step-name">
        {name === "running" ? strings.attempt(attempt) : strings.steps[name]}
        {resumed && " "}
        {resumed && <span class="step-note">{strings.resumed}</span>}
        {by !== null && " "}
        {by !== null && <span class="step-note text">{strings.by(by)}</span>}
      </span>{" "}
      {until !== null && to === null
        ? <span class="step-took step-until">{strings.until(clockTime(until))}</span>
        : !isEnd(step) && <StepTime step={step} />}{" "}
      <time class="step-at" dateTime={iso} title={fullTime(iso)}>{clockTime(from)}</time>
      {told !== null && <StepError error={told} />}
    </li>
  );
}

/** How long a step took, or has taken up to now. */
function StepTime({ step }: { step: Step }): JSX.Element {
  const took = length(step, step.to === null ? knownUntil.value : 0);
  return <span class="step-took">{took < SHORT_MS ? "" : tookTime(took)}</span>;
}
