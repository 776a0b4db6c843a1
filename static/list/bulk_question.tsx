import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { BulkAction } from "../client/bulk_by_filter.ts";
import { conjunction, number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import type { Tally } from "./bulk_plan.ts";

export interface BulkQuestionProps {
  action: BulkAction;
  /** What would be done. */
  ask: string;
  /** What would be left alone; empty for nothing. */
  left: string;
  /** The text of the button that confirms; `null` if there is nothing to do. */
  yes: string | null;
  onback: () => void;
  onyes: () => void;
}

/** Asks for confirmation of an action on many tasks. The focus is on the button that goes back. */
export function BulkQuestion(
  { action, ask, left, yes, onback, onyes }: BulkQuestionProps,
): JSX.Element {
  const back = useRef<HTMLButtonElement>(null);
  // Not `useEffect`: an Escape before the focus moves would unpick the tasks.
  useLayoutEffect(() => {
    back.current!.focus();
    // The focus returns to the action's button, or to the list if that is gone or disabled.
    return () =>
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        const place = document.getElementById(`bulk-${action}`) as HTMLButtonElement | null;
        if (place?.disabled === false) place.focus();
        else document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus();
      });
  }, []);
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
        onback();
      }}
    >
      <div class="bulk-question">
        <p id="bulk-question" class="bulk-ask">{ask}</p>
        <p id="bulk-left" class="bulk-left">
          {left} {action === "delete" && yes !== null && strings.list.ask.forGood}
        </p>
      </div>
      <div class="bulk-actions">
        <button type="button" ref={back} class="button button-quiet" onClick={onback}>
          {strings.list.ask.back}
        </button>
        {yes !== null && (
          <button
            type="button"
            class={`button ${action === "retry" ? "button-primary" : "button-danger"}`}
            onClick={onyes}
          >
            {yes}
          </button>
        )}
      </div>
    </div>
  );
}

/** The text of the button that applies the action to `count` tasks. */
export function doText(action: BulkAction, count: string): string {
  const { cancel, retry, remove } = strings.list;
  return (action === "delete" ? remove : action === "retry" ? retry : cancel)(count);
}

/** A tally in words. */
export function told(tally: Tally): string {
  return conjunction(
    tally.map(([status, count]) => strings.list.ask.these(number(count), strings.status[status])),
  );
}
