/**
 * The title and the icon of the browser's tab.
 *
 * @module
 */

import { computed, effect } from "@preact/signals";
import { hidden } from "./connection.ts";
import { counts } from "../list/counts.ts";
import { number, percent } from "../i18n/format.ts";
import { at } from "./root.ts";
import { route } from "./route.ts";
import { language, strings } from "../i18n/strings.ts";
import { task } from "../task/task_store.ts";

/** Percent in which the icon advances: each icon is another request. */
const STEP = 5;

const ICON = at("/static/icon.svg");

/** Computed, since a task's record changes far more often than the title. */
const title = computed(() => {
  void language.value;
  const { record } = task.value;
  if (route.value.taskId === null) return listTitle();
  if (record === null) return strings.product;
  const { status, progress, kind } = record;
  const first = status === "running" && progress !== null
    ? percent(progress)
    : strings.status[status];
  return [first, kind, strings.product].join(" · ");
});

const icon = computed(() => {
  const { record } = task.value;
  if (route.value.taskId === null || record === null) return ICON;
  const { status, progress } = record;
  const shown = Math.floor((progress ?? 0) / STEP) * STEP;
  return status === "running"
    ? at(`/icon.svg?status=running&progress=${shown}`)
    : at(`/icon.svg?status=${status}`);
});

export function startSign(): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
  effect(() => void (document.title = title.value));
  effect(() => {
    if (link.getAttribute("href") !== icon.value) link.href = icon.value;
  });
}

/** Has the number of running tasks, but in a hidden tab, where counts are not updated. */
function listTitle(): string {
  const running = counts.value?.running ?? 0;
  return running === 0 || hidden.value
    ? strings.product
    : `${strings.runningCount(number(running))} · ${strings.product}`;
}
