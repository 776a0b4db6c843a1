import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { openFormAgain } from "../new_task/new_task.ts";
import { acting, actionError, cancel, remove, retry } from "./task_store.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "./task_state.ts";
import { NotifyButton } from "../app/notify_button.tsx";

/** What can be done with a task now. */
export function TaskActions({ record }: { record: TaskRecord }): JSX.Element {
  const { status, cancel_requested } = record;
  const canceling = cancel_requested || acting.value === "cancel";
  return (
    <div class="task-actions">
      {isFinished(status)
        ? (
          <>
            <RemoveButton />
            <button
              type="button"
              class="button button-quiet"
              onClick={() => openFormAgain(record.kind, record.task_id)}
            >
              {strings.editAndRun}
            </button>
            <button
              type="button"
              class="button"
              disabled={acting.value !== null}
              onClick={() => void retry()}
            >
              {status === "completed" ? strings.runAgain : strings.retry}
            </button>
          </>
        )
        : (
          <>
            <NotifyButton id={record.task_id} />
            <button
              type="button"
              class="button button-danger"
              disabled={canceling}
              onClick={() => void cancel()}
            >
              {canceling ? strings.canceling : strings.cancel}
            </button>
          </>
        )}
      {actionError.value !== null && <p class="problem" role="alert">{actionError.value}</p>}
    </div>
  );
}

/** Asks once more: what is removed is gone. */
function RemoveButton(): JSX.Element {
  const sure = useSignal(false);
  return (
    <button
      type="button"
      class={`button ${sure.value ? "button-danger" : "button-quiet"}`}
      disabled={acting.value !== null}
      onBlur={() => sure.value = false}
      onClick={() => {
        if (sure.peek()) void remove();
        else sure.value = true;
      }}
    >
      {sure.value ? strings.reallyRemove : strings.remove}
    </button>
  );
}
