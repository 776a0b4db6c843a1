import type { ComponentChildren, JSX } from "preact";
import type { TaskRecord } from "../../lib/record.ts";
import { strings } from "../strings.ts";
import { isFinished } from "../task_state.ts";
import { Ago, Elapsed } from "./times.tsx";

/** The rest of what a record tells. */
export function TaskFacts({ record }: { record: TaskRecord }): JSX.Element {
  const { facts } = strings;
  const { attempt, max_attempts, created_at, started_at, finished_at, status } = record;
  return (
    <dl class="facts">
      <Fact name={facts.attempt}>
        {attempt === 0 ? strings.notYet : strings.attemptOf(attempt, max_attempts)}
      </Fact>
      <Fact name={facts.submitted}>
        <Ago time={created_at} />
      </Fact>
      <Fact name={facts.started}>
        {started_at === null ? strings.notYet : <Ago time={started_at} />}
      </Fact>
      {isFinished(status)
        ? (
          <Fact name={facts.ended}>
            {finished_at === null ? strings.notYet : <Ago time={finished_at} />}
          </Fact>
        )
        : (
          <Fact name={facts.elapsed}>
            <Elapsed record={record} />
          </Fact>
        )}
    </dl>
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
