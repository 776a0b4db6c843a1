/**
 * The webhook targets of tasks, and the deliveries that must arrive there.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { isFinished } from "../../lib/task/record.ts";
import { NOTIFY_EVENTS, type NotifyEvent, type NotifyTarget } from "../../lib/task/notify.ts";
import type { Arrival, HookReceiver } from "./hook_receiver.ts";
import { holds } from "./invariants.ts";
import type { KnownTask, Reference } from "./reference.ts";
import type { World } from "./world.ts";

/** The events of a target without `on`. */
const ENDS: readonly NotifyEvent[] = ["completed", "failed", "canceled"];

/** Milliseconds after which a delivery may be given up. */
const DAY_MS = 24 * 3600_000;

/** The most milliseconds that a delivery waits for its next attempt. */
const WAIT_MS = 3600_000;

/** The targets of a task, if any: most tasks have none. */
export function targetsFor(n: number, url: string): { notify?: NotifyTarget[] } {
  if (n % 8 === 3) return { notify: [{ url: `${url}/0`, on: [...NOTIFY_EVENTS] }] };
  if (n % 8 !== 6) return {};
  return { notify: [{ url: `${url}/0`, on: [...NOTIFY_EVENTS] }, { url: `${url}/1` }] };
}

/** An event to deliver, and its `seq`. */
interface News {
  event: NotifyEvent;
  seq: number;
}

/** The events of a task, from its changes of state, which are never trimmed. */
function newsOf({ rows }: KnownTask): News[] {
  const states = rows.flatMap(({ event, data }): TaskRecord[] => event === "message" ? [data] : []);
  return states.flatMap((state, n): News[] => {
    const before = states[n - 1];
    const { status, attempt, seq, error } = state;
    const news = (event: NotifyEvent) => [{ event, seq }];
    if (!before || (status === before.status)) return [];
    if (isFinished(status)) return news(status as NotifyEvent);
    if (status === "waiting") return news("waiting");
    if (status === "running") return attempt > before.attempt ? news("started") : [];
    return before.status === "running" && error !== null ? news("retrying") : [];
  });
}

/** What should arrive at a target of a task, and what did. */
interface Line {
  news: News[];
  arrivals: Arrival[];
}

function linesOf(task: KnownTask, arrivals: readonly Arrival[]): Line[] {
  const all = newsOf(task);
  return (task.submission.notify ?? []).map(({ on = ENDS }, n) => ({
    news: all.filter(({ event }) => on.includes(event)),
    arrivals: arrivals.filter(({ task: id, path }) => id === task.id && path === `/${n}`),
  }));
}

/** Asserts that what arrived did happen, and that each delivery came after the one before was taken. */
export function checkArrivals(
  { tasks }: Reference,
  { failure }: HookReceiver,
  arrivals: readonly Arrival[],
): void {
  if (failure) throw failure;
  const told = new Set(tasks.flatMap(({ id, submission }) => submission.notify ? [id] : []));
  const foreign = arrivals.find(({ task }) => !told.has(task));
  holds("I29", !foreign, () => `nobody asked to be told of ${JSON.stringify(foreign)}`);
  for (const task of tasks) {
    for (const line of linesOf(task, arrivals)) checkLine(task, line);
  }
}

function checkLine({ id, gone, fate }: KnownTask, { news, arrivals }: Line): void {
  let next = 0;
  for (const arrival of arrivals) {
    const at = news.findIndex(({ seq }) => seq === arrival.seq);
    const told = () => `${JSON.stringify(arrival)}, of ${JSON.stringify(news)}`;
    // The task was deleted before its last rows were audited.
    if (at < 0 && gone !== false && arrival.seq > (news.at(-1)?.seq ?? 0)) return;
    holds(
      "I29",
      at >= 0 && arrival.type === `task.${news[at]!.event}`,
      () => `${id}: no ${told()}`,
    );
    // Deliveries that are a day old may be given up, and so be missing.
    const inOrder = at === next || at === next - 1 || (at > next && fate.jumped);
    holds("I29", inOrder, () => `${id}: expected number ${next}, and there came ${told()}`);
    if (arrival.taken) next = Math.max(next, at + 1);
  }
}

/** The part of the answer that is read here. */
interface Shown {
  deliveries: { event: string; target: number; state: string; created_at: string }[];
}

/** Asserts that all deliveries came, or were given up after a far jump of the clock. */
export async function checkAllCame(reference: Reference, world: World): Promise<void> {
  const { arrivals } = world.hooks;
  for (const task of reference.tasks) {
    for (const [n, { news, arrivals: came }] of linesOf(task, arrivals).entries()) {
      const missing = news.filter(({ seq }) => !came.some((it) => it.taken && it.seq === seq));
      if (missing.length === 0) continue;
      const { gone, fate: { jumped }, id } = task;
      if (gone !== false && jumped) continue;
      const told = () => `${id}: ${JSON.stringify(missing)} did not come to target ${n}`;
      holds("I29", gone === false, told);
      const { deliveries } = await world.get<Shown>(`/tasks/${id}/deliveries`);
      const up = deliveries.filter(({ target, state, created_at }) => {
        const age = reference.now() - Date.parse(created_at);
        return target === n && state === "given_up" && age > DAY_MS - WAIT_MS;
      });
      holds("I29", jumped && up.length >= missing.length, () => {
        return `${told()}, of ${JSON.stringify(deliveries)}`;
      });
    }
  }
}
