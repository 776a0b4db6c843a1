import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Status } from "../../lib/task/record.ts";
import { counts, watchCounts } from "./counts.ts";
import { type Filters, STATUSES } from "./filters.ts";
import { number } from "../i18n/format.ts";
import { filterBy, route } from "../app/route.ts";
import { strings } from "../i18n/strings.ts";
import { StatusIcon } from "../ui/icons.tsx";

/** Pixels before the picked state that stay visible when it is scrolled to. */
const EDGE_PX = 40;

/** The number of tasks in each state, as buttons that filter the list by it. */
export function StatusCounts(): JSX.Element {
  const { filters } = route.value;
  const group = useRef<HTMLDivElement>(null);
  useEffect(watchCounts, []);
  useEffect(() => {
    // On a narrow screen the picked state may be out of view.
    const { scrollLeft, clientWidth } = group.current!;
    const picked = group.current!.querySelector<HTMLElement>("[aria-pressed=true]");
    if (picked === null) return;
    const left = picked.offsetLeft - group.current!.offsetLeft;
    if (left < scrollLeft || left + picked.offsetWidth > scrollLeft + clientWidth) {
      group.current!.scrollLeft = left - EDGE_PX;
    }
  }, [filters.statuses]);
  return (
    <div ref={group} class="counts" role="group" aria-label={strings.list.byStatus}>
      <button
        type="button"
        class="count"
        aria-pressed={filters.statuses.length === 0}
        onClick={() => filterBy({ ...filters, statuses: [] })}
      >
        <span class="count-name">{strings.list.all}</span>
      </button>
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          class={`count status-${status}`}
          aria-pressed={filters.statuses.includes(status)}
          title={strings.list.byStatusHint}
          onClick={(event) => filterBy(pressed(filters, status, event))}
        >
          <StatusIcon status={status} />
          <span class="count-name">{strings.status[status]}</span>
          <Count status={status} />
        </button>
      ))}
    </div>
  );
}

function Count({ status }: { status: Status }): JSX.Element | null {
  const known = counts.value;
  if (known === null) return null;
  const count = known[status];
  const text = strings.list.count(number(count), count >= known.limit || known.partial === true);
  return <span class={`count-figure${count === 0 ? " count-none" : ""}`}>{text}</span>;
}

/** Toggles between this state alone and all states; with a modifier key, adds or removes it. */
function pressed(filters: Filters, status: Status, event: MouseEvent): Filters {
  const { statuses } = filters;
  const without = statuses.filter((other) => other !== status);
  const several = event.ctrlKey || event.metaKey || event.shiftKey;
  if (several) {
    const picked = without.length < statuses.length ? without : [...statuses, status];
    return { ...filters, statuses: STATUSES.filter((other) => picked.includes(other)) };
  }
  const alone = statuses.length === 1 && without.length === 0;
  return { ...filters, statuses: alone ? [] : [status] };
}
