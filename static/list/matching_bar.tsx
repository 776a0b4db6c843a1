import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { isUnfiltered } from "./filters.ts";
import type { Status } from "../../lib/task/record.ts";
import { type BulkAction, type CountByStatus, fits } from "../client/bulk_by_filter.ts";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon } from "../ui/icons.tsx";
import { tally } from "./bulk_plan.ts";
import { BulkQuestion, doText, told } from "./bulk_question.tsx";
import { matching } from "./matching.ts";
import { back, change, close, count, job, leave, type MatchingJob, stop } from "./matching_job.ts";
import { matchingWords } from "./matching_words.ts";

const ACTIONS: readonly BulkAction[] = ["cancel", "retry", "delete"];

/** Actions on all tasks that match, loaded or not, with their progress and their result. */
export function MatchingBar(): JSX.Element | null {
  useEffect(() => leave, [matching.value]);
  if (matching.value === null) return null;
  return (
    <section class="bulk" aria-label={matchingWords().matching}>
      <Step job={job.value} />
    </section>
  );
}

function Step({ job }: { job: MatchingJob }): JSX.Element {
  switch (job.step) {
    case "choose":
      return <Choice error={job.error} />;
    case "count":
      return (
        <Line
          text={matchingWords().counting(job.known === null ? "" : number(job.known.count))}
          button={strings.list.ask.back}
          onclick={back}
        />
      );
    case "ask":
      return <Question action={job.action} count={job.known.count} refused={job.known.refused} />;
    case "do": {
      const { action, change, known } = job;
      const words = matchingWords();
      const text = words.doing[action](number(change?.done ?? 0), number(known.count));
      return <Line text={text} button={words.stop} onclick={stop} />;
    }
    case "end":
      return <End job={job} />;
  }
}

function Choice({ error }: { error: string | undefined }): JSX.Element {
  const { everything, matching: matchingText, actions } = matchingWords();
  const filters = matching.value!;
  const { statuses } = filters;
  return (
    <>
      {error !== undefined && <p class="bulk-problem text" role="alert">{error}</p>}
      <div class="bulk-row">
        <span class="bulk-count">{isUnfiltered(filters) ? everything : matchingText}</span>
        <div class="bulk-actions">
          {ACTIONS.map((action) => (
            <button
              key={action}
              type="button"
              id={`bulk-${action}`}
              class={`button${action === "delete" ? " button-danger" : ""}`}
              disabled={statuses.length > 0 && !statuses.some((status) => fits(action, status))}
              onClick={() => void count(action, filters)}
            >
              {actions[action]}
            </button>
          ))}
          <button
            type="button"
            class="button-quiet bulk-clear"
            aria-label={matchingWords().close}
            onClick={close}
          >
            <CloseIcon />
          </button>
        </div>
      </div>
    </>
  );
}

interface QuestionProps {
  action: BulkAction;
  count: number;
  refused: CountByStatus;
}

function Question({ action, count, refused }: QuestionProps): JSX.Element {
  const { none, these } = matchingWords();
  return (
    <BulkQuestion
      action={action}
      ask={count === 0 ? none[action] : strings.list.ask[action](these(number(count)))}
      left={leftAlone(refused)}
      yes={count === 0 ? null : doText(action, number(count))}
      onback={back}
      onyes={() => void change()}
    />
  );
}

interface LineProps {
  text: string;
  button: string;
  onclick: () => void;
}

function Line({ text, button, onclick }: LineProps): JSX.Element {
  return (
    <div class="bulk-row">
      <span class="bulk-count" role="status">{text}</span>
      <div class="bulk-actions">
        <button type="button" class="button" onClick={onclick}>{button}</button>
      </div>
    </div>
  );
}

function End({ job }: { job: MatchingJob & { step: "end" } }): JSX.Element {
  const words = matchingWords();
  const { action, known, change, stopped, error } = job;
  const { done = 0, failed = 0, errors = [], refused = {} } = change ?? {};
  const did = words.did[action](words.these(number(done)));
  return (
    <>
      {(error !== undefined || failed > 0) && (
        <div class="bulk-problem" role="alert">
          {error !== undefined && <p class="text">{error}</p>}
          {failed > 0 && <p>{words.couldNot(words.these(number(failed)))}</p>}
          <ul>
            {errors.map((text, n) => <li key={n} class="text">{text}</li>)}
            {failed > errors.length && (
              <li>{strings.list.moreFailed(number(failed - errors.length))}</li>
            )}
          </ul>
        </div>
      )}
      <div class="bulk-row">
        <div class="bulk-question" role="status">
          <p class="bulk-ask">
            {stopped ? words.stopped[action](number(done), number(known.count)) : did}
          </p>
          <p class="bulk-left">{leftAlone(refused)}</p>
        </div>
        <div class="bulk-actions">
          <button type="button" class="button" onClick={close}>{words.close}</button>
        </div>
      </div>
    </>
  );
}

function leftAlone(refused: CountByStatus): string {
  const counts = new Map(Object.entries(refused) as [Status, number][]);
  return counts.size === 0 ? "" : strings.list.ask.left(told(tally(counts)));
}
