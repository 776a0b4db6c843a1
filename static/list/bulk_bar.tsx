import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { bulk, bulkProblem, plan, runBulk } from "./bulk.ts";
import type { BulkAction } from "../client/bulk_by_filter.ts";
import { number } from "../i18n/format.ts";
import { BulkQuestion, doText, told } from "./bulk_question.tsx";
import { isWhole, marks, rows } from "./list_store.ts";
import { matching } from "./matching.ts";
import { route } from "../app/route.ts";
import { deselect, selectAll, selected } from "./selection.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon } from "../ui/icons.tsx";

/** Errors that are shown one by one. */
const TOLD = 3;

/** Actions on the picked tasks, with their progress and their errors. */
export function BulkBar(): JSX.Element | null {
  const asking = useSignal<BulkAction | null>(null);
  const { size } = selected.value;
  if (size === 0 && bulk.value === null && bulkProblem.value === null) return null;
  const act = (action: BulkAction) => {
    const { ids } = plan(action, selected.peek());
    // A deletion cannot be undone: it is confirmed for a single task, too.
    if (ids.length > 1 || action === "delete") asking.value = action;
    else void runBulk(action);
  };
  return (
    <section class="bulk" aria-label={strings.list.bulk}>
      <Problem />
      {asking.value !== null
        ? <Question action={asking.value} onanswer={() => asking.value = null} />
        : (
          <div class="bulk-row">
            <span class="bulk-count" role="status">{strings.list.selected(number(size))}</span>
            {size < rows.value.length && (
              <button
                type="button"
                class="link"
                onClick={() => selectAll(rows.peek())}
              >
                {strings.list.selectAll(number(rows.value.length))}
              </button>
            )}
            {!isWhole() && (
              <button
                type="button"
                class="link"
                onClick={() => {
                  deselect();
                  matching.value = route.peek().filters;
                }}
              >
                {strings.list.allMatching}
              </button>
            )}
            <div class="bulk-actions">
              <Do action="cancel" text={strings.list.cancel} onclick={act} />
              <Do action="retry" text={strings.list.retry} onclick={act} />
              <Do action="delete" text={strings.list.remove} onclick={act} />
              <button
                type="button"
                class="button-quiet bulk-clear"
                aria-label={strings.list.clear}
                onClick={() => {
                  deselect();
                  bulkProblem.value = null;
                }}
              >
                <CloseIcon />
              </button>
            </div>
          </div>
        )}
    </section>
  );
}

interface DoProps {
  action: BulkAction;
  text: (count: string) => string;
  onclick: (action: BulkAction) => void;
}

/** A button that applies an action to those of the picked tasks that it fits. */
function Do({ action, text, onclick }: DoProps): JSX.Element {
  // Redrawn when a picked task changes state.
  void marks.value;
  const count = plan(action, selected.value).ids.length;
  const doing = bulk.value?.action === action ? bulk.value : null;
  return (
    <button
      type="button"
      id={`bulk-${action}`}
      class={`button${action === "delete" ? " button-danger" : ""}`}
      disabled={count === 0 || bulk.value !== null}
      onClick={() => onclick(action)}
    >
      {doing !== null
        ? strings.list.doing(number(doing.done), number(doing.total))
        : text(number(count))}
    </button>
  );
}

interface QuestionProps {
  action: BulkAction;
  onanswer: () => void;
}

/** Asks about the picked tasks; redrawn when one of them changes state. */
function Question({ action, onanswer }: QuestionProps): JSX.Element {
  void marks.value;
  const { ids, taken, left } = plan(action, selected.value);
  const { ask } = strings.list;
  return (
    <BulkQuestion
      action={action}
      ask={ask[action](told(taken))}
      left={left.length > 0 ? ask.left(told(left)) : ""}
      yes={ids.length > 0 ? doText(action, number(ids.length)) : null}
      onback={onanswer}
      onyes={() => {
        void runBulk(action);
        onanswer();
      }}
    />
  );
}

function Problem(): JSX.Element | null {
  const problem = bulkProblem.value;
  if (problem === null) return null;
  const { errors, total } = problem;
  return (
    <div class="bulk-problem" role="alert">
      <p>{strings.list.someFailed(number(errors.length), number(total))}</p>
      <ul>
        {errors.slice(0, TOLD).map((error, n) => <li key={n} class="text">{error}</li>)}
        {errors.length > TOLD && <li>{strings.list.moreFailed(number(errors.length - TOLD))}</li>}
      </ul>
    </div>
  );
}
