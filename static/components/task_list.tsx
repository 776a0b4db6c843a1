import type { JSX } from "preact";
import { createTask } from "../api.ts";
import { FILTERS } from "../list_state.ts";
import { go, taskHref } from "../route.ts";
import { filter, hasMore, list, loadingMore, loadMore, setFilter, shown } from "../list_store.ts";
import { strings } from "../strings.ts";
import { randomKey } from "../random_key.ts";
import { useAction } from "./use_action.ts";
import { TaskRow } from "./task_row.tsx";

/** All tasks, live. */
export function TaskList(): JSX.Element {
  return (
    <>
      <div class="list-head">
        <h1 tabIndex={-1}>{strings.tasks}</h1>
        <Filters />
      </div>
      <Rows />
    </>
  );
}

function Filters(): JSX.Element {
  return (
    <div class="filters" role="group" aria-label={strings.filterBy}>
      {FILTERS.map((name) => (
        <button
          key={name}
          type="button"
          class="filter"
          aria-pressed={filter.value === name}
          onClick={() => setFilter(name)}
        >
          {strings.filters[name]}
        </button>
      ))}
    </div>
  );
}

function Rows(): JSX.Element {
  const records = shown.value;
  if (!list.value.loaded) return <p class="empty">{strings.loading}</p>;
  return (
    <>
      {records.length > 0 && (
        <ul class="rows card">
          {records.map((record) => <TaskRow key={record.task_id} record={record} />)}
        </ul>
      )}
      {hasMore.value
        ? (
          <button
            type="button"
            class="button more"
            disabled={loadingMore.value}
            onClick={() => void loadMore()}
          >
            {loadingMore.value ? strings.loading : strings.loadMore}
          </button>
        )
        : records.length === 0 && <Empty />}
    </>
  );
}

function Empty(): JSX.Element {
  const demo = useAction(async () => {
    const { task_id } = await createTask("demo", {}, randomKey());
    go(taskHref(task_id));
  });
  if (filter.value !== "all") {
    return <p class="empty">{strings.noneMatch(strings.filters[filter.value])}</p>;
  }
  return (
    <div class="empty empty-first">
      <h2>{strings.noTasks}</h2>
      <p>{strings.noTasksHint}</p>
      <button
        type="button"
        class="button button-primary"
        disabled={demo.busy}
        onClick={demo.run}
      >
        {strings.startDemo}
      </button>
      {demo.error && <p class="problem" role="alert">{demo.error.message}</p>}
    </div>
  );
}
