import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { LongText } from "../ui/long_text.tsx";

/** Characters of an error shown at first. */
const MAX_ERROR = 160;

interface StepCardProps<Step> {
  title: string;
  /** Oldest first. */
  steps: readonly Step[];
  /** How many of the newest are shown at first. */
  few: number;
  draw(step: Step, at: number): JSX.Element;
  /** Shown above the list. */
  children?: ComponentChildren;
}

/** A list of steps, of which the older ones are shown on demand. */
export function StepCard<Step>(
  { title, steps, few, draw, children }: StepCardProps<Step>,
): JSX.Element | null {
  const whole = useSignal(false);
  if (steps.length === 0) return null;
  const hidden = whole.value || steps.length <= few + 1 ? 0 : steps.length - few;
  return (
    <section class="card side-card timeline-card">
      <div class="section-head">
        <h2>{title}</h2>
      </div>
      {children}
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
        {steps.slice(hidden).map((step, n) => draw(step, n + hidden))}
      </ol>
    </section>
  );
}

/** The error of a step. */
export function StepError({ error }: { error: { name: string; message: string } }): JSX.Element {
  return (
    <span class="step-error text">
      {error.name}: <LongText text={error.message} limit={MAX_ERROR} />
    </span>
  );
}
