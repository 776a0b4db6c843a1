/**
 * The list: its rows, kept up to date by the stream and the loaded pages, and what each row shows.
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

/** The ids of the rows, newest first. */
export const rows = signal<readonly string[]>([]);

/** How many new tasks wait to be shown. */
export const held = signal(0);

/** `missing` means that the list could not be loaded. */
export const listStatus = signal<"loading" | "ready" | "missing">("loading");

/** Whether a page of older tasks is loading. */
export const loadingOlder = signal(false);

/** Changes when a row begins or ceases to leave, or a picked task changes, to redraw what shows it. */
export const marks = signal(0);

/** Whether the first row is on the screen. */
export const atTop = signal(true);

/** Changes with each batch of events, so that the counts are loaded again. */
export const changes = signal(0);

/** Whether new rows are inserted at once: not while the user has scrolled down or picked rows. */
const live = computed(() => atTop.value && selected.value.size === 0);

/** Rows of the first page, enough for a screen, and of each page after it. */
const FIRST_ROWS = 100;
const OLDER_ROWS = 200;

/** Milliseconds that a row which no longer matches stays at least. */
const LEAVE_MS = 1500;

/** The rows on the screen (without `end`), and whether the pointer is over them. */
let visible: readonly [first: number, end: number] = [0, 0];
let pointed = false;
let leaveTimer: ReturnType<typeof setTimeout> | undefined;

/** The number of the last load: the responses of earlier ones are ignored. */
let asked = 0;

/** Whether the newest rows are loading, which will replace all others. */
let loadingNewest = false;

/** Keeps the rows in line with the route's filters until the returned function is called. */
export function startList(): () => void {
  let filters: string | null = null;
  const stopFilters = effect(() => {
    const next = route.value;
    const key = formatFilters(next.filters).toString();
    if (next.taskId !== null || key === filters) return;
    const first = filters === null;
    filters = key;
    // The stream begins with the newest tasks.
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
    // All loaded rows may have left while older tasks match.
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

/** Whether all tasks that match are loaded. */
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

/** The record of a row that is drawn. {@link unwatchRecord} must follow when it no longer is. */
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

/** Sets which rows are on the screen, and whether the first is; loads older ones in time. */
export function setView(first: number, end: number, top: boolean): void {
  visible = [first, end];
  atTop.value = top;
  if (end > rows.peek().length - 60) void loadOlder();
}

/** Sets whether the pointer is over the rows: none is removed under it. */
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

/** Applies a batch of events. What came before the last snapshot in it is ignored. */
export function takeEvents(events: readonly ListEvent[]): void {
  const start = events.findLastIndex(({ type }) => type === "snapshot" || type === "reset");
  if (start >= 0) {
    takeSnapshot((events[start] as { data: { tasks: readonly TaskRecord[] } }).data.tasks);
  }
  take(start >= 0 ? events.slice(start + 1) : events);
}

/** Shows the newest tasks. If the list has filters or more rows, the snapshot is not enough: loads. */
function takeSnapshot(tasks: readonly TaskRecord[]): void {
  const { filters } = route.peek();
  const more = tasks.length >= FIRST_ROWS;
  // The list hides children: with some among them, the newest tasks may be too few.
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
 * Loads `count` tasks older than `cursor`; without one, the newest, which replace all rows. Takes
 * several pages if few tasks of a page match.
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
    // The page shows that the connection is broken, and the stream starts a load when it is back.
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

/** Publishes a change: the records that are drawn, and the rows if they changed. */
function show(change: ListChange): void {
  for (const record of change.records) {
    const entry = cells.get(record.task_id);
    if (entry !== undefined) entry.cell.value = record;
  }
  if (change.records.some(({ task_id }) => selected.peek().has(task_id))) marks.value++;
  // Rows that are not on the screen leave at once.
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

/** Removes the rows that no longer match when nothing has changed for {@link LEAVE_MS}. */
function scheduleSweep(): void {
  clearTimeout(leaveTimer);
  leaveTimer = setTimeout(() => {
    if (!pointed && state.sweep((id) => selected.peek().has(id))) rows.value = state.ids;
  }, LEAVE_MS);
}

/** Subscribes to the events of all tasks; returns how to stop. */
export function watchList(): () => void {
  return feed.watchList((events) => {
    for (const event of events) if (event.type === "message") observeTime(event.data.updated_at);
    takeEvents(events);
  });
}
