import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { listHref, stayInPage } from "../app/route.ts";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { NO_FILTERS } from "../list/filters.ts";

/** A line that sums up the children of a task, with a link to the list of them. */
export function TaskChildren({ record }: { record: TaskRecord }): JSX.Element | null {
  const { children, task_id: parent } = record;
  if (children === undefined) return null;
  const { total, made, completed, failed, canceled, running } = children;
  const ended = completed + failed + canceled;
  const parts = [
    made === undefined
      ? strings.children.of(number(ended), number(total))
      : strings.children.made(number(made), number(total)),
    ...(running > 0 ? [strings.children.running(number(running))] : []),
    ...(failed > 0 ? [strings.children.failed(number(failed))] : []),
    ...(canceled > 0 ? [strings.children.canceled(number(canceled))] : []),
  ];
  return (
    <p class="progress-children">
      <a
        id="children"
        href={listHref({ ...NO_FILTERS, parent })}
        onClick={stayInPage}
      >
        {parts.map((part, n) => (
          <>
            {n > 0 && strings.children.comma}
            <span>{part}</span>
          </>
        ))}
      </a>
    </p>
  );
}
