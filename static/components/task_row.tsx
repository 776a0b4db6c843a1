import { Component, type JSX } from "preact";
import type { TaskRecord } from "../../lib/record.ts";
import { percent } from "../format.ts";
import { stayInPage, taskHref } from "../route.ts";
import { isFinished } from "../task_state.ts";
import { StatusIcon } from "./icons.tsx";
import { ProgressBar } from "./progress_bar.tsx";
import { statusText } from "./status.tsx";
import { RowTime, Took } from "./times.tsx";

interface Props {
  record: TaskRecord;
}

/** A task in the list. Drawn anew only when its record is another. */
export class TaskRow extends Component<Props> {
  override shouldComponentUpdate({ record }: Props): boolean {
    return record !== this.props.record;
  }

  override render({ record }: Props): JSX.Element {
    const { task_id, kind, status, progress } = record;
    return (
      <li class={`row status-${status}`}>
        <a class="row-link" href={taskHref(task_id)} onClick={stayInPage}>
          <StatusIcon status={status} />
          <span class="row-kind">{kind}</span>
          <span class="row-text text">{rowText(record)}</span>
          <span class="row-progress">
            {status === "running" && (
              <>
                <ProgressBar record={record} small />
                <span class="row-percent">{progress === null ? "" : percent(progress)}</span>
              </>
            )}
            {isFinished(status) && <Took record={record} />}
          </span>
          <span class="row-time">
            <RowTime record={record} />
          </span>
        </a>
      </li>
    );
  }
}

/** What a row says beside the kind: the state, and what the task said of it. */
function rowText(record: TaskRecord): string {
  const { status, stage, message, error } = record;
  const said = error !== null && status !== "running"
    ? error.message
    : [isFinished(status) ? null : stage, message].filter(Boolean).join(" · ");
  const told = status === "running" && !record.cancel_requested && said !== "";
  return [told ? null : statusText(record), said].filter(Boolean).join(" · ");
}
