/**
 * What the page shows, by its address: the list at {@link ROOT}, with its filters in the query; a
 * task at `?task_id=…`; the schedules at `?view=schedules`.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { ROOT } from "./root.ts";
import { type Filters, formatFilters, NO_FILTERS, parseFilters } from "../list/filters.ts";

export interface Route {
  /** The open task; `null` for none. */
  readonly taskId: string | null;
  /** What is shown instead of the list, where no task is open. */
  readonly view?: "schedules";
  /** Which tasks the list shows. */
  readonly filters: Filters;
}

export function parseRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const view = query.get("view") === "schedules" ? { view: "schedules" as const } : {};
  return { taskId: query.get("task_id") || null, ...view, filters: parseFilters(query) };
}

export function taskHref(id: string): string {
  return `${ROOT}?${new URLSearchParams({ task_id: id })}`;
}

/** The address of the schedules. */
export const SCHEDULES = `${ROOT}?view=schedules`;

/** The address of the list with these filters. */
export function listHref(filters: Filters): string {
  const query = formatFilters(filters);
  // A comma is legal in a query, and easier to read than its escape.
  return query.size === 0 ? ROOT : `${ROOT}?${query.toString().replaceAll("%2C", ",")}`;
}

export const route = signal<Route>({ taskId: null, filters: NO_FILTERS });

/** The state of an entry in the browser's history. */
interface Place {
  /** The scroll position when it was left, in pixels. */
  readonly top?: number;
  /** For a task: the list that the user came from, and its scroll position. */
  readonly list?: { readonly href: string; readonly top: number };
}

/** The scroll position that the list will have when it is shown next, in pixels. */
let restored = 0;

function place(): Place {
  return (history.state ?? {}) as Place;
}

/** The address of the list that the user came from, with its filters. */
export function backHref(): string {
  return place().list?.href ?? listHref(NO_FILTERS);
}

export function startRoute(): void {
  addEventListener("popstate", ({ state }) => {
    restored = (state as Place | null)?.top ?? 0;
    read();
  });
  read();
}

export function go(href: string): void {
  const { taskId, view, filters } = route.peek();
  const here = view === undefined ? listHref(filters) : SCHEDULES;
  const list = taskId === null ? { href: here, top: scrollY } : place().list;
  const { pathname, search } = new URL(href, location.href);
  history.replaceState({ ...place(), top: scrollY }, "");
  history.pushState({ list }, "", href);
  restored = list?.href === pathname + search ? list.top : 0;
  read();
  scrollTo(0, 0);
}

/** Changes the filters of the list. With `typed`, for each letter typed, adds no history entry. */
export function filterBy(filters: Filters, { typed = false } = {}): void {
  const href = listHref(filters);
  if (href === location.pathname + location.search.replaceAll("%2C", ",")) return;
  if (typed) history.replaceState(history.state, "", href);
  else history.pushState(null, "", href);
  read();
}

/** The scroll position to restore, if any. Resets it, since it is to be restored once. */
export function takeRestoredTop(): number {
  const top = restored;
  restored = 0;
  return top;
}

/** Opens a link within the page, unless the user asks for another tab or a download. */
export function stayInPage(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  const { button, altKey, ctrlKey, metaKey, shiftKey, defaultPrevented } = event;
  if (button !== 0 || altKey || ctrlKey || metaKey || shiftKey || defaultPrevented) return;
  event.preventDefault();
  go(link.href);
}

function read(): void {
  route.value = parseRoute(location.search);
}
