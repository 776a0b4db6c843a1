import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { bulk, bulkProblem, plan, runBulk } from "./bulk.ts";
import type { BulkAction, Tally } from "./bulk_plan.ts";
import { conjunction, number } from "../i18n/format.ts";
import { marks, rows } from "./list_store.ts";
import { deselect, selectAll, selected } from "./selection.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon } from "../ui/icons.tsx";

/** Errors that are told one by one. */
const TOLD = 3;

/** What can be done with the picked tasks, how far it is, and what could not be done. */
export function BulkBar(): JSX.Element | null {
  const asking = useSignal<BulkAction | null>(null);
  const { size } = selected.value;
  if (size === 0 && bulk.value === null && bulkProblem.value === null) return null;
  const act = (action: BulkAction) => {
    const { ids } = plan(action, selected.peek());
    // What is deleted is gone: that is asked of a single one, too.
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

/** A button for those of the picked tasks that it is for. */
function Do({ action, text, onclick }: DoProps): JSX.Element {
  // A picked task may end meanwhile.
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

/** Says what would become of how many tasks, and asks. The keyboard is at the way back. */
function Question({ action, onanswer }: QuestionProps): JSX.Element {
  const back = useRef<HTMLButtonElement>(null);
  // With the question, not after it: an Escape in between would let go of the picked tasks.
  useLayoutEffect(() => {
    back.current!.focus();
    // Whoever goes back is where they came from, or at the list where that is gone.
    return () =>
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        const place = document.getElementById(`bulk-${action}`) as HTMLButtonElement | null;
        if (place?.disabled === false) place.focus();
        else document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus();
      });
  }, []);
  void marks.value;
  const { ids, taken, left } = plan(action, selected.value);
  const count = number(ids.length);
  const { ask, cancel, retry, remove } = strings.list;
  return (
    <div
      class="bulk-row"
      role="alertdialog"
      aria-labelledby="bulk-question"
      aria-describedby="bulk-left"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onanswer();
      }}
    >
      <div class="bulk-question">
        <p id="bulk-question" class="bulk-ask">{ask[action](told(taken))}</p>
        <p id="bulk-left" class="bulk-left">
          {left.length > 0 && ask.left(told(left))} {action === "delete" && ask.forGood}
        </p>
      </div>
      <div class="bulk-actions">
        <button type="button" ref={back} class="button button-quiet" onClick={onanswer}>
          {ask.back}
        </button>
        <button
          type="button"
          class={`button ${action === "retry" ? "button-primary" : "button-danger"}`}
          disabled={ids.length === 0}
          onClick={() => {
            void runBulk(action);
            onanswer();
          }}
        >
          {(action === "delete" ? remove : action === "retry" ? retry : cancel)(count)}
        </button>
      </div>
    </div>
  );
}

/** So many of each state, in words. */
function told(tally: Tally): string {
  return conjunction(
    tally.map(([status, count]) => strings.list.ask.these(number(count), strings.status[status])),
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
