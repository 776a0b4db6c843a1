import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { percent } from "../i18n/format.ts";
import { backHref, stayInPage } from "../app/route.ts";
import { task } from "./task_store.ts";
import { strings } from "../i18n/strings.ts";
import { CopyButton } from "../ui/copy_button.tsx";
import { BackIcon } from "../ui/icons.tsx";
import { SignalForm, TaskDeliveries } from "../app/lazy_views.ts";
import { KeysHelp } from "../app/keys_help.tsx";
import { knownProgress } from "../client/progress/known_progress.ts";
import { StatusPill, statusText } from "../ui/status.tsx";
import { TaskArtifacts } from "./task_artifacts.tsx";
import { TaskActions } from "./task_actions.tsx";
import { details } from "./task_details.ts";
import { TaskData } from "./task_data.tsx";
import { TaskFacts } from "./task_facts.tsx";
import { TaskLog } from "./task_log.tsx";
import { TaskOutcome } from "./task_outcome.tsx";
import { TaskOutputs } from "./task_outputs.tsx";
import { TaskProgress } from "./task_progress.tsx";
import { TaskSteps } from "./task_steps.tsx";
import { TaskTimeline } from "./task_timeline.tsx";
import { isFinished } from "./task_state.ts";
import { usePageKeys } from "../ui/use_page_keys.ts";

export function TaskView(): JSX.Element {
  const { record, gone } = task.value;
  usePageKeys({
    u: press("back"),
    c: press("log-copy"),
    d: press("log-download"),
    r: press("copy-outcome"),
  });
  return (
    <>
      <div class="task-top">
        <a id="back" class="back" href={backHref()} onClick={stayInPage}>
          <BackIcon />
          {strings.allTasks}
        </a>
        <KeysHelp keys={strings.taskKeys} />
      </div>
      {gone !== null
        ? <Gone gone={gone} />
        : record === null
        ? <p class="empty">{strings.loading}</p>
        : <Whole record={record} />}
    </>
  );
}

/** A key handler that presses a button, if it is there. */
function press(id: string): () => void {
  return () => document.getElementById(id)?.click();
}

function Gone({ gone }: { gone: "never" | "deleted" }): JSX.Element {
  return (
    <div class="empty">
      <h1 tabIndex={-1}>{gone === "never" ? strings.noSuchTask : strings.deleted}</h1>
      {gone === "never" && <p>{strings.noSuchTaskHint}</p>}
    </div>
  );
}

function Whole({ record }: { record: TaskRecord }): JSX.Element {
  return (
    <article class={`task status-${record.status}`}>
      <div class="task-head">
        <div class="task-title">
          <h1 tabIndex={-1}>{record.kind}</h1>
          <StatusPill record={record} />
        </div>
        <TaskActions record={record} />
        <p class="task-id">
          <code>{record.task_id}</code>
          <CopyButton text={() => record.task_id} label={strings.copyId} />
        </p>
      </div>
      <Announcer record={record} />
      {record.waiting_for?.type === "signal" && <SignalForm record={record} />}
      <TaskProgress record={record} />
      <div class="task-columns">
        <div class="task-main">
          <TaskOutcome />
          <TaskArtifacts />
          <TaskOutputs />
          <TaskLog />
        </div>
        <div class="task-side">
          <TaskSteps />
          <TaskTimeline />
          <Webhooks id={record.task_id} />
          <TaskFacts record={record} />
          <TaskData />
        </div>
      </div>
    </article>
  );
}

/** The deliveries of webhooks, if the task has any webhooks. */
function Webhooks({ id }: { id: string }): JSX.Element | null {
  const data = details.value?.data;
  return data?.task_id === id && data.webhooks > 0 ? <TaskDeliveries key={id} id={id} /> : null;
}

/** Announces the state, and each quarter of the progress, to screen readers. */
function Announcer({ record }: { record: TaskRecord }): JSX.Element {
  const { kind, status } = record;
  const progress = isFinished(status) ? null : knownProgress(record);
  const quarter = progress === null ? null : percent(Math.floor(progress / 25) * 25);
  return (
    <p class="visually-hidden" role="status">
      {strings.announce(kind, statusText(record), quarter)}
    </p>
  );
}
