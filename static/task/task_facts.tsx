import type { ComponentChildren, JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { now } from "../app/clock.ts";
import { stayInPage, taskHref } from "../app/route.ts";
import { connection } from "../app/connection.ts";
import { ago, duration, fullTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { details } from "./task_details.ts";
import { kindProblem } from "./kind_problem.ts";
import { workerState } from "./worker_state.ts";
import { placesBefore } from "./task_progress.tsx";
import { LabelChips } from "../ui/label_chips.tsx";
import { Ago } from "../ui/times.tsx";

export function TaskFacts({ record }: { record: TaskRecord }): JSX.Element {
  const { facts } = strings;
  const { attempt, max_attempts, created_at, status, priority } = record;
  const known = details.value?.data;
  const worker = status === "running" && known?.status === "running" ? known.worker : null;
  const place = status === "pending" && kindProblem(record) === null
    ? known?.queue_position ?? null
    : null;
  return (
    <section class="card side-card">
      <div class="section-head">
        <h2>{strings.about}</h2>
      </div>
      <dl class="facts">
        {worker !== null && (
          <>
            {worker.host !== undefined && (
              <Fact name={facts.runsOn}>
                <span class="text">{worker.host}</span>
              </Fact>
            )}
            {worker.pid !== undefined && (
              <Fact name={facts.process}>
                <code>{worker.pid}</code>
              </Fact>
            )}
            <Fact name={facts.lease}>
              <SignOfLife record={record} />
            </Fact>
          </>
        )}
        {place !== null && (
          <Fact name={facts.position}>
            {place === 1 ? strings.next : strings.before(placesBefore(place))}
          </Fact>
        )}
        <Fact name={facts.attempt}>
          {attempt === 0 ? strings.notYet : strings.attemptOf(attempt, max_attempts)}
        </Fact>
        <Fact name={facts.submitted}>
          <Ago time={created_at} />
        </Fact>
        {record.owner !== undefined && (
          <Fact name={facts.owner}>
            <LabelChips owner={record.owner} />
          </Fact>
        )}
        {record.tags !== undefined && (
          <Fact name={facts.tags}>
            <LabelChips tags={record.tags} />
          </Fact>
        )}
        {record.parent_id !== undefined && (
          <Fact name={facts.parent}>
            <a href={taskHref(record.parent_id)} onClick={stayInPage}>
              <code>{record.parent_id.slice(-6)}</code>
            </a>
          </Fact>
        )}
        {record.retried_from !== undefined && (
          <Fact name={facts.again}>
            <a href={taskHref(record.retried_from)} onClick={stayInPage}>
              <code>{record.retried_from.slice(-6)}</code>
            </a>
          </Fact>
        )}
        {record.keep !== undefined && (
          <Fact name={facts.kept}>{keptText(record.keep, record.finished_at)}</Fact>
        )}
        {known && known.timeout_ms !== null && (
          <Fact name={facts.limit}>{duration(known.timeout_ms)}</Fact>
        )}
        {known && known.interruptions > 0 && (
          <Fact name={facts.interruptions}>{strings.times(known.interruptions)}</Fact>
        )}
        {priority !== 0 && <Fact name={facts.priority}>{priority}</Fact>}
      </dl>
    </section>
  );
}

/** How long a task with its own `keep` is kept, in words. */
function keptText(keep: number | "forever", ended: string | null): string {
  if (keep === "forever") return strings.keptForever;
  if (ended === null) return strings.keptAfter(duration(keep));
  return strings.keptUntil(fullTime(new Date(Date.parse(ended) + keep).toISOString()));
}

/** How long ago the task's process renewed its lease: green, or amber after a missed renewal. */
function SignOfLife({ record }: { record: TaskRecord }): JSX.Element {
  void now.value;
  const { data, at } = details.value!;
  const since = Date.now() - at;
  const worker = workerState(record, data, since);
  const known = worker === null || worker.state === "gone" ? 0 : worker.silentMs;
  // Without a connection the last known value ages.
  const ms = worker?.state === "alive" && connection.value !== "live" ? known + since : known;
  return (
    <span class={`life${worker?.state === "silent" || ms > data.lease_ms ? " life-silent" : ""}`}>
      {ago(ms)}
    </span>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
