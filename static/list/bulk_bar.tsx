import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { bulk, type BulkAction, bulkProblem, fitting, runBulk } from "./bulk.ts";
import { number } from "../i18n/format.ts";
import { marks, rows } from "./list_store.ts";
import { deselect, selectAll, selected } from "./selection.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon } from "../ui/icons.tsx";

/** Errors that are told one by one. */
const TOLD = 3;

/** What can be done with the picked tasks, how far it is, and what could not be done. */
export function BulkBar(): JSX.Element | null {
  const { size } = selected.value;
  if (size === 0 && bulk.value === null && bulkProblem.value === null) return null;
  return (
    <section class="bulk" aria-label={strings.list.bulk}>
      <Problem />
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
          <Do action="cancel" text={strings.list.cancel} />
          <Do action="retry" text={strings.list.retry} />
          <Do action="delete" text={strings.list.remove} sure={strings.list.reallyRemove} />
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
    </section>
  );
}

interface DoProps {
  action: BulkAction;
  text: (count: string) => string;
  /** What is asked before. */
  sure?: (count: string) => string;
}

/** A button for those of the picked tasks that it is for. */
function Do({ action, text, sure }: DoProps): JSX.Element {
  const asking = useSignal(false);
  // A picked task may end meanwhile.
  void marks.value;
  const count = fitting(action, selected.value).length;
  const doing = bulk.value?.action === action ? bulk.value : null;
  return (
    <button
      type="button"
      class={`button${action === "delete" ? " button-danger" : ""}`}
      disabled={count === 0 || bulk.value !== null}
      onBlur={() => asking.value = false}
      onClick={() => {
        if (sure !== undefined && !asking.peek()) {
          asking.value = true;
        } else {
          asking.value = false;
          void runBulk(action);
        }
      }}
    >
      {doing !== null
        ? strings.list.doing(number(doing.done), number(doing.total))
        : (asking.value && sure ? sure : text)(number(count))}
    </button>
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
