import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { TaskRecord } from "../../lib/task/record.ts";
import { openFormAgain } from "../new_task/new_task.ts";
import { acting, actionError, cancel, remove, retry, runAgain, toggleKeep } from "./task_store.ts";
import { may, mayChange } from "../app/session.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "./task_state.ts";
import { NotifyButton } from "../app/notify_button.tsx";
import { KeepIcon } from "../ui/icons.tsx";
import { useKeptFocus } from "../ui/use_kept_focus.ts";

/** The actions that the task's state and the session's scopes allow. */
export function TaskActions({ record }: { record: TaskRecord }): JSX.Element {
  const group = useRef<HTMLDivElement>(null);
  const keptFocus = useKeptFocus(() => group.current!.focus());
  return (
    <div
      ref={group}
      class="task-actions"
      role="group"
      aria-label={strings.actions}
      tabIndex={-1}
      {...keptFocus}
    >
      {isFinished(record.status) ? <Finished record={record} /> : <Unfinished record={record} />}
      {actionError.value !== null && <p class="problem" role="alert">{actionError.value}</p>}
    </div>
  );
}

function Finished({ record }: { record: TaskRecord }): JSX.Element {
  const { status, kind, task_id } = record;
  return (
    <>
      {may("admin") && <KeepButton kept={record.keep !== undefined} />}
      {may("admin") && <RemoveButton />}
      {may("submit") && (
        <button
          type="button"
          class="button button-quiet"
          onClick={() => openFormAgain(kind, task_id)}
        >
          {strings.editAndRun}
        </button>
      )}
      {status === "completed"
        ? may("submit") && <Act does={runAgain} text={strings.runAgain} />
        : may("admin") && <Act does={retry} text={strings.retry} />}
    </>
  );
}

function Unfinished({ record }: { record: TaskRecord }): JSX.Element {
  const canceling = record.cancel_requested || acting.value === "cancel";
  return (
    <>
      <NotifyButton id={record.task_id} />
      {mayChange() && (
        <button
          type="button"
          class="button button-danger"
          aria-disabled={canceling}
          onClick={() => void (canceling || cancel())}
        >
          {canceling ? strings.canceling : strings.cancel}
        </button>
      )}
    </>
  );
}

interface ActProps {
  does: () => Promise<void>;
  text: string;
}

/** Uses `aria-disabled`, since a disabled button would lose the focus. */
function Act({ does, text }: ActProps): JSX.Element {
  return (
    <button
      type="button"
      class="button"
      aria-disabled={acting.value !== null}
      onClick={() => void does()}
    >
      {text}
    </button>
  );
}

/** Keeps the task beyond its retention, or no longer. */
function KeepButton({ kept }: { kept: boolean }): JSX.Element {
  return (
    <button
      id="keep"
      type="button"
      class="button button-quiet toggle"
      aria-pressed={kept}
      aria-disabled={acting.value !== null}
      title={kept ? strings.keptHint : strings.keepHint}
      onClick={() => void toggleKeep()}
    >
      <KeepIcon on={kept} />
      {kept ? strings.kept : strings.keep}
    </button>
  );
}

/** Asks for confirmation, since a removal cannot be undone. */
function RemoveButton(): JSX.Element {
  const sure = useSignal(false);
  return (
    <button
      type="button"
      class={`button ${sure.value ? "button-danger" : "button-quiet"}`}
      aria-disabled={acting.value !== null}
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
