import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { TaskRecord } from "../../lib/task/record.ts";
import { now } from "../app/clock.ts";
import { knownUntil } from "../app/connection.ts";
import { ago, amount, duration, fullTime, percent, rate, tookTime } from "../i18n/format.ts";
import { may } from "../app/session.ts";
import { rows, unwatchRecord, watchRecord } from "./list_store.ts";
import { stayInPage, taskHref } from "../app/route.ts";
import { selected as picked, selectTo, toggle } from "./selection.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "../task/task_state.ts";
import { StatusIcon } from "../ui/icons.tsx";
import { knownProgress } from "../client/progress/known_progress.ts";
import { LabelChips } from "../ui/label_chips.tsx";
import { ProgressBar } from "../ui/progress_bar.tsx";
import { statusText } from "../ui/status.tsx";
import { timeLeft } from "../ui/times.tsx";

/** Milliseconds without an update after which a running task is called silent. */
const SILENT_MS = 20_000;

/** Characters of an id that are shown: its end, which is random. */
const SHORT_ID = 6;

export interface TaskRowProps {
  id: string;
  index: number;
  /** Whether the Tab key enters the list at this row. */
  tabStop: boolean;
  selected: boolean;
  leaving: boolean;
}

/** A task in the list. Redrawn only when its record or a prop changes. */
export function TaskRow({ id, index, tabStop, selected, leaving }: TaskRowProps): JSX.Element {
  const cell = useMemo(() => watchRecord(id), [id]);
  useEffect(() => () => unwatchRecord(id), [id]);
  const record = cell.value;
  const { kind, status } = record;
  const shortId = id.slice(-SHORT_ID);
  return (
    <div
      id={`row-${id}`}
      class={`row${may("admin") ? "" : " row-plain"} status-${status}${
        leaving ? " row-leaving" : ""
      }`}
      role="row"
      data-id={id}
      aria-rowindex={index + 1}
      aria-selected={selected}
      tabIndex={tabStop ? 0 : -1}
      style={{ transform: `translateY(calc(${index} * var(--row)))` }}
    >
      {may("admin") && <Pick id={id} label={strings.list.select(kind, shortId)} on={selected} />}
      <span class="row-status" role="gridcell">
        <StatusIcon status={status} />
        <span class="row-state">{statusText(record)}</span>
      </span>
      <span class="row-main" role="gridcell">
        <span class="row-title">
          <a class="row-link" href={taskHref(id)} tabIndex={-1} onClick={stayInPage}>
            <span class="row-kind" title={kind}>{kind}</span>
          </a>
          <code class="row-id" title={id}>{shortId}</code>
          <Attempt record={record} />
          <LabelChips owner={record.owner} tags={record.tags} inRow />
          {leaving && <span class="row-note">{strings.list.leaving}</span>}
        </span>
        <Said record={record} />
      </span>
      <Progress record={record} />
      <Times cell={cell} />
    </div>
  );
}

interface PickProps {
  id: string;
  label: string;
  on: boolean;
}

function Pick({ id, label, on }: PickProps): JSX.Element {
  return (
    <span class="row-pick" role="gridcell">
      <label class="row-check">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={label}
          checked={on}
          onClick={(event) => {
            // The row handles the keys: with the focus on the checkbox, Space would toggle twice.
            document.getElementById(`row-${id}`)!.focus({ preventScroll: true });
            if (event.shiftKey) selectTo(rows.peek(), id);
            else toggle(id);
          }}
          // The browser has toggled the checkbox itself: it must show whether the task is picked.
          onChange={({ currentTarget }) => currentTarget.checked = picked.peek().has(id)}
        />
      </label>
    </span>
  );
}

function Attempt({ record: { attempt, max_attempts: max } }: RecordProps): JSX.Element | null {
  if (attempt <= 1) return null;
  const text = strings.list.attempt(attempt, max);
  return <span class="row-attempt" title={text} aria-label={text} role="img">{attempt}/{max}</span>;
}

interface RecordProps {
  record: TaskRecord;
}

/** The last stage and message of the task, or its error. */
function Said({ record: { status, stage, message, error } }: RecordProps): JSX.Element {
  const failed = error !== null && status !== "running" && status !== "completed";
  return (
    <span class={`row-text text${failed ? " row-error" : ""}`}>
      {failed ? error.message : (
        <>
          {stage !== null && !isFinished(status) && <span class="row-stage">{stage}</span>}
          {message}
        </>
      )}
    </span>
  );
}

function Progress({ record }: RecordProps): JSX.Element {
  const { status, done, total, unit } = record;
  const progress = knownProgress(record);
  const running = status === "running";
  const bar = running ||
    (progress !== null && record.attempt > 0 && !(status === "completed" && progress === 100));
  // The amount beside it already has the unit.
  const speed = running ? rate(record.rate, unit === "bytes" ? unit : null, done !== null) : null;
  return (
    <span class="row-progress" role="gridcell">
      {bar && (
        <span class="row-bar">
          <ProgressBar record={record} small />
          <span class="row-percent">{progress === null ? "" : percent(progress)}</span>
        </span>
      )}
      <span class="row-amount text">
        {[amount(done, total, unit), speed].filter(Boolean).join(" · ")}
      </span>
    </span>
  );
}

/** Computed signals, so that the clock redraws only these texts and not the row. */
function Times({ cell }: { cell: ReadonlySignal<TaskRecord> }): JSX.Element {
  const silence = useComputed(() => silentFor(cell.value, knownUntil.value));
  const first = useComputed(() => firstTime(cell.value, silence.value, knownUntil.value));
  const second = useComputed(() => ago(now.value - Date.parse(lastTime(cell.value))));
  const isSilent = useComputed(() => `row-left${silence.value === null ? "" : " row-silent"}`);
  const time = lastTime(cell.value);
  return (
    <span class="row-times" role="gridcell">
      <span class={isSilent}>{first}</span>
      <time class="row-ago" dateTime={time} title={fullTime(time)}>{second}</time>
    </span>
  );
}

/** Milliseconds, in whole seconds, since the last update of a silent task; `null` if it is not. */
function silentFor(record: TaskRecord, at: number): number | null {
  if (record.status !== "running") return null;
  const silence = at - Date.parse(record.updated_at);
  return silence < SILENT_MS ? null : Math.floor(silence / 1000) * 1000;
}

/** The time left, the time it took, or the time for which it has been silent. */
function firstTime(record: TaskRecord, silence: number | null, at: number): string {
  if (silence !== null) return strings.list.silent(duration(silence));
  const { started_at: start, finished_at: end, attempt } = record;
  if (end === null) return timeLeft(record, at) ?? "";
  if (start === null) return "";
  // The record has the times of the last attempt only.
  const took = tookTime(Date.parse(end) - Date.parse(start));
  return attempt > 1 ? strings.lastTook(took) : strings.took(took);
}

function lastTime({ created_at, finished_at }: TaskRecord): string {
  return finished_at ?? created_at;
}
