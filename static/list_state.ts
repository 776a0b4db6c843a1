/**
 * What the page knows of all tasks: bounded, ordered by age, and changed by pure functions only.
 *
 * @module
 */

import type { Status, TaskRecord } from "../lib/record.ts";

/** Which tasks are looked at. */
export type Filter = Status | "all";

/** Every filter, in the order they are shown. */
export const FILTERS: readonly Filter[] = [
  "all",
  "running",
  "pending",
  "completed",
  "failed",
  "canceled",
];

/** An event of `GET /tasks/stream`. */
export type ListEvent =
  | { type: "snapshot" | "reset"; data: { tasks: readonly TaskRecord[] } }
  | { type: "message"; data: TaskRecord }
  | { type: "deleted"; data: { task_id: string } };

/** See the module. Never changed, only replaced. */
export interface ListState {
  /** What is known, by id. */
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  /**
   * By filter, how far back all that match are known: to this id, or to the very first (`null`).
   * A filter that is not in here was not asked for yet.
   */
  readonly reach: Readonly<Partial<Record<Filter, string | null>>>;
  /** Tasks kept, at the most: the newest. Grows when older ones are asked for. */
  readonly cap: number;
  /** Whether anything has come yet. */
  readonly loaded: boolean;
}

/** Tasks kept unless older ones are asked for. */
export const DEFAULT_CAP = 500;

/** Tasks in a snapshot of the server, when there are more. */
const SNAPSHOT_TASKS = 100;

/** Nothing known yet. */
export const NO_TASKS: ListState = {
  tasks: new Map(),
  reach: {},
  cap: DEFAULT_CAP,
  loaded: false,
};

/** Takes in what the stream told, in its order. */
export function reduceList(state: ListState, events: readonly ListEvent[]): ListState {
  let { reach, cap, loaded } = state;
  let tasks = new Map(state.tasks);
  for (const event of events) {
    switch (event.type) {
      case "snapshot":
      case "reset": {
        const { data } = event;
        tasks = new Map(data.tasks.map((task) => [task.task_id, task]));
        const more = data.tasks.length >= SNAPSHOT_TASKS;
        reach = { all: more ? data.tasks.at(-1)!.task_id : null };
        cap = DEFAULT_CAP;
        loaded = true;
        break;
      }
      case "message": {
        const { task_id, seq } = event.data;
        if ((tasks.get(task_id)?.seq ?? -1) < seq) tasks.set(task_id, event.data);
        break;
      }
      case "deleted":
        tasks.delete(event.data.task_id);
    }
  }
  return trim({ tasks, reach, cap, loaded });
}

/** Takes in a page of `GET /tasks`, asked for with this filter. `next` is its `next_cursor`. */
export function addPage(
  state: ListState,
  filter: Filter,
  records: readonly TaskRecord[],
  next: string | null,
): ListState {
  const tasks = new Map(state.tasks);
  let added = 0;
  for (const record of records) {
    const known = tasks.get(record.task_id);
    if (known === undefined) added++;
    if (known === undefined || known.seq < record.seq) tasks.set(record.task_id, record);
  }
  return {
    tasks,
    reach: { ...state.reach, [filter]: next },
    // What a person asked for is not given up for what comes by itself.
    cap: Math.max(state.cap, DEFAULT_CAP, state.tasks.size + added),
    loaded: true,
  };
}

/**
 * How far back all that match are known: to this id, which is the cursor for older ones; to the
 * very first (`null`); or nothing is known yet (`undefined`). Who knows all tasks down to an id
 * knows those of each state down to it, too.
 */
export function reachOf({ reach }: ListState, filter: Filter): string | null | undefined {
  const ends = [reach[filter], reach.all].filter((end) => end !== undefined);
  return ends.includes(null) ? null : ends.sort()[0];
}

/** The tasks to show, newest first: only so far back as none is missing. */
export function shownTasks(state: ListState, filter: Filter): TaskRecord[] {
  const end = reachOf(state, filter) ?? "";
  return [...state.tasks.values()]
    .filter((task) => task.task_id >= end && (filter === "all" || task.status === filter))
    .sort((a, b) => a.task_id < b.task_id ? 1 : -1);
}

/** Gives up the oldest beyond the cap, and with them what was known of their age. */
function trim(state: ListState): ListState {
  if (state.tasks.size <= state.cap) return state;
  const ids = [...state.tasks.keys()].sort().reverse();
  const tasks = new Map(state.tasks);
  for (const id of ids.slice(state.cap)) tasks.delete(id);
  const oldest = ids[state.cap - 1]!;
  const reach: Partial<Record<Filter, string | null>> = {};
  for (const [filter, end] of Object.entries(state.reach) as [Filter, string | null][]) {
    reach[filter] = end === null || end < oldest ? oldest : end;
  }
  return { ...state, tasks, reach };
}
