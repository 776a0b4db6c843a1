/**
 * The list: its rows, kept by the stream and by the pages that are asked for, and what a row shows.
 *
 * @module
 */

import {
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from "@preact/signals";
import type { TaskRecord } from "../../lib/task/record.ts";
import { getTasks } from "./list_api.ts";
import { now, observeTime } from "../app/clock.ts";
import { apiQuery, formatFilters, isUnfiltered, matcher } from "./filters.ts";
import { type ListChange, type ListEvent, ListState, MAX_ROWS } from "./list_state.ts";
import { leaveMatching } from "./matching.ts";
import { feed } from "../feed/live.ts";
import { route } from "../app/route.ts";
import { deselect, selected } from "./selection.ts";

const state = new ListState();

/** The rows, newest first, as ids. */
export const rows = signal<readonly string[]>([]);

/** New tasks that wait to come in. */
export const held = signal(0);

/** How the list stands: `missing` is one that could not be asked for. */
export const listStatus = signal<"loading" | "ready" | "missing">("loading");

/** A page of older tasks is on its way. */
export const loadingOlder = signal(false);

/** Counts the changes of what a row is taken for: that it is about to leave, that it has ended. */
export const marks = signal(0);

/** The list is seen from its first row on. */
export const atTop = signal(true);

/** Counts what the stream told, so that the counts are asked for again. */
export const changes = signal(0);

/** Whether new rows come in by themselves: they move nobody who reads or picks. */
const live = computed(() => atTop.value && selected.value.size === 0);

/** Rows of the first page, as a screen needs them, and of those behind it. */
const FIRST_ROWS = 100;
const OLDER_ROWS = 200;

/** Milliseconds that a row stays which no longer matches, at least. */
const LEAVE_MS = 1500;

/** Rows on the screen, and whether the pointer is over them. */
let visible: readonly [first: number, end: number] = [0, 0];
let pointed = false;
let leaveTimer: ReturnType<typeof setTimeout> | undefined;

/** Counts the questions: the answer to an old one is not wanted any more. */
let asked = 0;

/** The newest rows are on their way, and replace what is known. */
let loadingNewest = false;

/** Follows the filters of the address; returns how to stop. */
export function startList(): () => void {
  let filters: string | null = null;
  const stopFilters = effect(() => {
    const next = route.value;
    const key = formatFilters(next.filters).toString();
    if (next.taskId !== null || key === filters) return;
    const first = filters === null;
    filters = key;
    // The newest come by themselves.
    if (first && key === "") {
      return untracked(() => state.refilter(matcher(next.filters, now.peek())));
    }
    untracked(() => {
      state.refilter(matcher(next.filters, now.peek()));
      deselect();
      leaveMatching();
      listStatus.value = "loading";
      show({ records: [], rows: true });
      void load(FIRST_ROWS);
    });
  });
  const stopLive = effect(() => {
    if (live.value && held.value > 0) untracked(release);
  });
  const stopEmpty = effect(() => {
    // All that were loaded may be gone, and not all that match.
    if (rows.value.length === 0 && listStatus.value === "ready") untracked(() => void loadOlder());
  });
  return () => {
    stopFilters();
    stopLive();
    stopEmpty();
  };
}

export function knownTask(id: string): TaskRecord | undefined {
  return state.get(id);
}

/** Whether the rows are all that match. */
export function isWhole(): boolean {
  return state.end === null;
}

export function indexOf(id: string): number {
  return state.indexOf(id);
}

/** Whether a row no longer matches and is about to go. */
export function isLeaving(id: string): boolean {
  return state.isLeaving(id);
}

const cells = new Map<string, { cell: Signal<TaskRecord>; users: number }>();

/** A row's record, for as long as it is drawn: to be given back with {@link unwatchRecord}. */
export function watchRecord(id: string): ReadonlySignal<TaskRecord> {
  let entry = cells.get(id);
  if (entry === undefined) cells.set(id, entry = { cell: signal(state.get(id)!), users: 0 });
  entry.users++;
  return entry.cell;
}

export function unwatchRecord(id: string): void {
  const entry = cells.get(id);
  if (entry !== undefined && --entry.users === 0) cells.delete(id);
}

export function release(): void {
  state.release();
  show({ records: [], rows: true });
}

export function firstVisible(): number {
  return visible[0];
}

/** Takes in which rows are on the screen. */
export function setView(first: number, end: number, top: boolean): void {
  visible = [first, end];
  atTop.value = top;
  if (end > rows.peek().length - 60) void loadOlder();
}

/** Takes in whether the pointer is over the rows: none goes away under it. */
export function setPointed(over: boolean): void {
  pointed = over;
  if (!over) scheduleSweep();
}

/** Loads a page of older tasks, if there are any. */
export async function loadOlder(): Promise<void> {
  if (loadingOlder.peek() || loadingNewest || listStatus.peek() !== "ready") return;
  if (typeof state.end !== "string" || rows.peek().length >= MAX_ROWS) return;
  await load(OLDER_ROWS, state.end);
}

export function forget(...ids: string[]): void {
  take(ids.map((task_id) => ({ type: "deleted", data: { task_id } })));
}

/** Takes in a batch of the stream's events. */
export function takeEvents(events: readonly ListEvent[]): void {
  const start = events.findLastIndex(({ type }) => type === "snapshot" || type === "reset");
  if (start >= 0) {
    takeSnapshot((events[start] as { data: { tasks: readonly TaskRecord[] } }).data.tasks);
  }
  take(start >= 0 ? events.slice(start + 1) : events);
}

/** The newest tasks: all that the first screen needs, unless others or more are shown. */
function takeSnapshot(tasks: readonly TaskRecord[]): void {
  const { filters } = route.peek();
  const more = tasks.length >= FIRST_ROWS;
  // Many children leave few of the others among the newest.
  const whole = tasks.every(({ parent_id }) => parent_id === undefined);
  if (isUnfiltered(filters) && whole && rows.peek().length <= FIRST_ROWS) {
    asked++;
    loadingOlder.value = loadingNewest = false;
    show(state.replace(tasks, more ? tasks.at(-1)!.task_id : null, live.peek()));
    listStatus.value = "ready";
  } else {
    void load(Math.max(FIRST_ROWS, rows.peek().length));
  }
}

/**
 * Asks for so many tasks older than `cursor`, or from the newest on, which then replace what was
 * known. A rare text is found only after several pages.
 */
async function load(count: number, cursor?: string): Promise<void> {
  const question = ++asked;
  const query = apiQuery(route.peek().filters, now.peek());
  const records: TaskRecord[] = [];
  let next: string | null | undefined = cursor;
  const enough = cursor === undefined ? count : FIRST_ROWS;
  loadingNewest = cursor === undefined;
  loadingOlder.value = cursor !== undefined;
  state.beginLoad();
  try {
    do {
      const page = await getTasks({
        ...query,
        limit: String(Math.min(OLDER_ROWS, count - records.length)),
        ...(typeof next === "string" ? { cursor: next } : {}),
      });
      if (question !== asked) return;
      records.push(...page.tasks);
      next = page.next_cursor;
    } while (next !== null && records.length < enough);
    show(
      cursor === undefined
        ? state.replace(records, next, live.peek())
        : state.addPage(records, next),
    );
    listStatus.value = "ready";
  } catch {
    // The connection tells that the server is away, and the stream asks again when it is back.
    if (question === asked && cursor === undefined) listStatus.value = "missing";
  } finally {
    state.endLoad();
    if (question === asked) loadingOlder.value = loadingNewest = false;
  }
}

function take(events: readonly ListEvent[]): void {
  if (events.length === 0) return;
  show(state.apply(events, live.peek()));
  const gone = events.filter(({ type }) => type === "deleted") as { data: { task_id: string } }[];
  if (gone.length > 0 && selected.peek().size > 0) deselect(gone.map(({ data }) => data.task_id));
  changes.value++;
}

/** Lets the page see a change: the rows that are drawn, one by one, and the order if it is another. */
function show(change: ListChange): void {
  for (const record of change.records) {
    const entry = cells.get(record.task_id);
    if (entry !== undefined) entry.cell.value = record;
  }
  if (change.records.some(({ task_id }) => selected.peek().has(task_id))) marks.value++;
  // Rows that nobody sees leave at once.
  const swept = state.hasLeaving && state.sweep(isVisible);
  if (!change.rows && !swept) return;
  rows.value = state.ids;
  held.value = state.held;
  marks.value++;
  if (state.hasLeaving) scheduleSweep();
}

function isVisible(id: string): boolean {
  const index = state.indexOf(id);
  return (index >= visible[0] && index < visible[1]) || selected.peek().has(id);
}

/** Rows that no longer match go when the list has been at rest for a moment. */
function scheduleSweep(): void {
  clearTimeout(leaveTimer);
  leaveTimer = setTimeout(() => {
    if (!pointed && state.sweep((id) => selected.peek().has(id))) rows.value = state.ids;
  }, LEAVE_MS);
}

/** Has the feed tell of all tasks; returns how to stop. */
export function watchList(): () => void {
  return feed.watchList((events) => {
    for (const event of events) if (event.type === "message") observeTime(event.data.updated_at);
    takeEvents(events);
  });
}
