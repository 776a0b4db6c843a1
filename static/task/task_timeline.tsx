import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { knownUntil } from "../app/connection.ts";
import { clockTime, fullTime, number, tookTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { task } from "./task_store.ts";
import { isEnd, type Step, timeline, withRecord } from "./timeline.ts";
import { LongText } from "../ui/long_text.tsx";

/** Steps shown at first: the newest. */
const FEW = 8;

/** Milliseconds of a step that are not worth a word. */
const SHORT_MS = 20;

/** Characters of an error shown at first. */
const MAX_ERROR = 160;

/** What has become of the task: its states and attempts, with times. */
export function TaskTimeline(): JSX.Element | null {
  const steps = useComputed(() => {
    const { states, record } = task.value;
    return timeline(record === null ? states : withRecord(states, record));
  }).value;
  const whole = useSignal(false);
  if (steps.length === 0) return null;
  const hidden = whole.value || steps.length <= FEW + 1 ? 0 : steps.length - FEW;
  return (
    <section class="card side-card timeline-card">
      <div class="section-head">
        <h2>{strings.timeline}</h2>
      </div>
      <Strip steps={steps} />
      {hidden > 0 && (
        <button
          type="button"
          class="link timeline-more"
          onClick={() => whole.value = true}
        >
          {strings.earlierSteps(number(hidden))}
        </button>
      )}
      <ol class="timeline">
        {steps.slice(hidden).map((step, n) => (
          <Entry
            key={`${step.from} ${step.name} ${n + hidden}`}
            step={step}
            last={n + hidden === steps.length - 1}
          />
        ))}
      </ol>
    </section>
  );
}

/** The same to scale. */
function Strip({ steps }: { steps: readonly Step[] }): JSX.Element | null {
  const times = steps.filter((step) => !isEnd(step));
  // An end that was followed by another run is not a time of the task's.
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
  // That of the end stands above the log, whole.
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
      {told !== null && (
        <span class="step-error text">
          {told.name}: <LongText text={told.message} limit={MAX_ERROR} />
        </span>
      )}
    </li>
  );
}

/** How long it took, or takes up to now. */
function StepTime({ step }: { step: Step }): JSX.Element {
  const took = length(step, step.to === null ? knownUntil.value : 0);
  return <span class="step-took">{took < SHORT_MS ? "" : tookTime(took)}</span>;
}
