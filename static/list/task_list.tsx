import type { JSX } from "preact";
import { createTask } from "../task/task_api.ts";
import { refused } from "../app/connection.ts";
import { may } from "../app/session.ts";
import { kinds } from "../app/store.ts";
import { hiddenChildren } from "./counts.ts";
import { isUnfiltered, NO_FILTERS } from "./filters.ts";
import { number } from "../i18n/format.ts";
import { MAX_ROWS } from "./list_state.ts";
import { held, listStatus, loadingOlder, release, rows } from "./list_store.ts";
import { randomKey } from "../ui/random_key.ts";
import { filterBy, go, route, SCHEDULES, stayInPage, taskHref } from "../app/route.ts";
import { strings } from "../i18n/strings.ts";
import { UpIcon } from "../ui/icons.tsx";
import { matching } from "./matching.ts";
import { BulkBars } from "../app/lazy_views.ts";
import { KeysHelp } from "../app/keys_help.tsx";
import { ListFilters } from "./list_filters.tsx";
import { selected } from "./selection.ts";
import { StatusCounts } from "./status_counts.tsx";
import { TaskGrid } from "./task_grid.tsx";
import { useAction } from "../ui/use_action.ts";

export function TaskList(): JSX.Element {
  return (
    <>
      <div class="list-head">
        <h1 tabIndex={-1}>{strings.tasks}</h1>
        <a class="button-quiet other-view" href={SCHEDULES} onClick={stayInPage}>
          {strings.schedules}
        </a>
        <KeysHelp
          keys={may("admin")
            ? [...strings.list.helpKeys, ...strings.list.pickKeys]
            : strings.list.helpKeys}
        />
      </div>
      <StatusCounts />
      <ListFilters />
      <FreshPill />
      <Rows />
      {may("admin") && <Bulk />}
    </>
  );
}

/** Once true, the bar stays: it shows the errors of an action when no task is picked any more. */
let picked = false;

function Bulk(): JSX.Element | null {
  picked ||= selected.value.size > 0 || matching.value !== null;
  return picked ? <BulkBars /> : null;
}

/** Shows how many new tasks wait, so as not to move the rows. */
function FreshPill(): JSX.Element {
  return (
    <div class="fresh-place" role="status">
      {held.value > 0 && (
        <button
          type="button"
          class="fresh-pill"
          onClick={() => {
            release();
            scrollTo({ top: 0 });
          }}
        >
          <UpIcon />
          {strings.list.fresh(number(held.value))}
        </button>
      )}
    </div>
  );
}

function Rows(): JSX.Element {
  const count = rows.value.length;
  if (count > 0) {
    return (
      <>
        <TaskGrid />
        <Foot count={count} />
      </>
    );
  }
  if (refused.value === 403) return <p class="empty">{strings.list.forbidden}</p>;
  if (listStatus.value === "loading" || loadingOlder.value) {
    return <p class="empty">{strings.loading}</p>;
  }
  if (listStatus.value === "missing") return <p class="empty">{strings.list.missing}</p>;
  return isUnfiltered(route.value.filters) ? <Empty /> : <NoMatch />;
}

function Foot({ count }: { count: number }): JSX.Element | null {
  if (loadingOlder.value) return <p class="list-foot">{strings.list.loadingOlder}</p>;
  if (count >= MAX_ROWS) return <p class="list-foot">{strings.list.limit(number(count))}</p>;
  return count > 30 ? <p class="list-foot">{strings.list.end(number(count))}</p> : null;
}

function NoMatch(): JSX.Element {
  const hidden = hiddenChildren.value;
  const { childrenMatch, count, noneMatchHint, showChildren } = strings.list;
  return (
    <div class="empty empty-first">
      <h2>{strings.list.noneMatch}</h2>
      <p>
        {hidden === null ? noneMatchHint : childrenMatch(count(number(hidden.count), hidden.more))}
      </p>
      {hidden !== null && (
        <button
          type="button"
          class="button button-primary"
          onClick={() => filterBy({ ...route.peek().filters, children: true })}
        >
          {showChildren}
        </button>
      )}
      <button type="button" class="button" onClick={() => filterBy(NO_FILTERS)}>
        {strings.list.clearFilters}
      </button>
    </div>
  );
}

function Empty(): JSX.Element {
  const demo = useAction(async () => {
    const { task_id } = await createTask("demo", {}, randomKey());
    go(taskHref(task_id));
  });
  const hasDemo = kinds.value?.some(({ kind }) => kind === "demo") ?? false;
  return (
    <div class="empty empty-first">
      <h2>{strings.noTasks}</h2>
      {may("submit") && <p>{hasDemo ? strings.noTasksHint : strings.noTasksHintOwn}</p>}
      {may("submit") && hasDemo && (
        <button
          type="button"
          class="button button-primary"
          disabled={demo.busy}
          onClick={demo.run}
        >
          {strings.startDemo}
        </button>
      )}
      {demo.error && <p class="problem" role="alert">{demo.error.message}</p>}
    </div>
  );
}
