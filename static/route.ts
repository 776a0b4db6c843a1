/**
 * Where the page is: the list at `/`, a task at `/?task_id=…`.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** See the module. */
export interface Route {
  /** The open task; `null` for the list. */
  readonly taskId: string | null;
}

/** Reads an address. */
export function parseRoute(search: string): Route {
  return { taskId: new URLSearchParams(search).get("task_id") || null };
}

/** The address of a task. */
export function taskHref(id: string): string {
  return `/?${new URLSearchParams({ task_id: id })}`;
}

/** Where the page is. */
export const route = signal<Route>({ taskId: null });

/** Follows the address bar. */
export function startRoute(): void {
  const read = () => route.value = parseRoute(location.search);
  addEventListener("popstate", read);
  read();
}

/** Goes to another place of the page. */
export function go(href: string): void {
  history.pushState(null, "", href);
  route.value = parseRoute(location.search);
  scrollTo(0, 0);
}

/** Makes a link stay in the page, unless another tab or a download is asked for. */
export function stayInPage(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  const { button, altKey, ctrlKey, metaKey, shiftKey, defaultPrevented } = event;
  if (button !== 0 || altKey || ctrlKey || metaKey || shiftKey || defaultPrevented) return;
  event.preventDefault();
  go(link.href);
}
