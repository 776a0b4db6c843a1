/**
 * The end of a history.
 *
 * @module
 */

import { isQueued, type TaskRecord, waits } from "../../lib/task/record.ts";
import { audit, OWN_KINDS } from "./audit.ts";
import { checkSchedules } from "./audit_schedules.ts";
import { checkSwept } from "./audit_files.ts";
import { auditStore } from "./audit_store.ts";
import { holds } from "./invariants.ts";
import { perform } from "./operations.ts";
import type { Reference } from "./reference.ts";
import { childOf } from "./script.ts";
import { openSchedules, pauseSchedule, removeSchedule } from "./schedule_commands.ts";
import { setPause } from "./set_pause.ts";
import { NUDGE } from "./shapes.ts";
import { checkStartOrder } from "./start_order.ts";
import type { Fate } from "./trace.ts";
import { checkAllCame } from "./webhooks.ts";
import type { World } from "./world.ts";

/** Milliseconds: more than any delivery waits for its next attempt. */
const DELIVERY_WAIT_MS = 2 * 3600_000;

/** Milliseconds of a jump of the clock after which a refused delivery may be given up. */
const GIVEN_UP_MS = 12 * 3600_000;

/** Lets everything end, and audits it all once more, the database included. */
export async function finish(reference: Reference, world: World): Promise<void> {
  for (const watcher of world.watchers) {
    watcher.readOn();
    if (!watcher.here && watcher.over === null) await watcher.comeBack(watcher.lastEventId);
  }
  for (const feed of world.feeds) {
    feed.readOn();
    if (!feed.here) await feed.comeBack(feed.lastEventId);
  }
  for (const kind of reference.paused.keys()) await setPause(kind, "resume", reference, world);
  for (const id of openSchedules(reference)) await pauseSchedule(id, false, reference, world);
  for (const [n, { parent, fate }] of reference.present.entries()) {
    // Children are canceled with their parents.
    if (parent !== null || !neverEnds(fate)) continue;
    await perform({ do: "cancel", task: n }, reference, world, { alone: true });
  }
  await audit(reference, world);
  // The clock may have been set back: only tasks that wait for a time may depend on it.
  await world.until(async () => {
    const left = await unended(world);
    const goesOn = left.find((record) => !waitsForTime(record) && !waitsForOthers(record));
    holds("I1", !goesOn, () => `never ends: ${JSON.stringify(goesOn)}`);
  });
  await nudge(reference, world);
  const { id, submission } = reference.tasks.at(-1)!;
  await allEnd(reference, world);
  const printed = `${submission.input.nonce} by stdout`;
  await world.until(() => {
    world.checkLog();
    const told = world.printed.some((it) => it.id === id && it.line === printed);
    holds("I18", told, () => `${printed} is not in the log`);
  });
  await world.until(async () => {
    await audit(reference, world);
    await checkSchedules(reference, world);
  });
  for (const id of openSchedules(reference)) await removeSchedule(id, reference, world);
  await allEnd(reference, world);
  await allTold(reference, world);
  await world.checkModules();
  for (const watcher of world.watchers) {
    await world.until(() => {
      if (watcher.failure) throw watcher.failure;
      holds("I8", watcher.over !== null, () => `a stream of ${watcher.id} does not end`);
    });
  }
  for (const feed of world.feeds) {
    await world.until(async () => {
      if (feed.failure) throw feed.failure;
      const { tasks } = await world.get<{ tasks: FeedRecord[] }>(
        `/tasks?limit=100&kind=${OWN_KINDS}`,
      );
      for (const { task_id, status, seq } of tasks) {
        const known = feed.records.get(task_id);
        // A snapshot's record has the `seq` of the end; a live one that of the message before it.
        const level = known?.status === status && known.seq >= seq - 1;
        // A snapshot holds the newest tasks only, which may all be of the crowd.
        const right = level || (known === undefined && (feed.partial || world.crowded));
        holds("I3", right, () => {
          const { lastEventId, connections, here, partial } = feed;
          const client = JSON.stringify({ lastEventId, connections, here, partial });
          return `${task_id} is ${status} ${seq}; ${client} has seen ${JSON.stringify(known)}`;
        });
      }
    });
  }
  await audit(reference, world);
  checkStartOrder(reference);
  for (const { id, over, seen } of world.watchers) {
    const task = reference.tasks.find((task) => task.id === id)!;
    const end = task.gone === false ? 204 : 404;
    holds("I8", over === end || over === 204, () => `a stream of ${id} ended with ${over}`);
    const last = seen.at(-1)?.event;
    const right = task.gone !== false || last === "complete" || seen.length === 0;
    holds("I8", right, () => `a stream of ${id} ended behind ${last}`);
  }
  if (world.swept) await checkSwept(world, reference);
  await world.end("SIGTERM");
  const entries = await world.stored();
  auditStore(entries, reference, { clean: true });
  const removing = entries.filter(({ key }) => key[0] === "removed");
  holds("I5", removing.length === 0, () => `still to be removed: ${removing.length}`);
}

/** Submits a task, since the server looks at its clock then, and else only every five seconds. */
async function nudge(reference: Reference, world: World): Promise<void> {
  await perform({ do: "submit", shape: NUDGE }, reference, world, { alone: true });
}

/** Waits until every task has ended, and sets the clock ahead for those that wait for a time. */
async function allEnd(reference: Reference, world: World): Promise<void> {
  await world.until(async () => {
    const left = await unended(world);
    const due = Math.max(...left.filter(waitsForTime).map(({ run_at }) => Date.parse(run_at)));
    const ms = due - reference.now() + 1000;
    if (ms > 2000) {
      reference.shift += ms;
      if (ms > GIVEN_UP_MS) reference.jumped();
      else reference.starts.jumped();
      await world.setClock(reference.shift);
      await nudge(reference, world);
    }
    const details = left[0] && await world.get(`/tasks/${left[0].task_id}/details`);
    holds("I1", left.length === 0, () => {
      const all = left.map(({ task_id, status, run_at }) => [task_id, status, run_at].join(" "));
      return `never ends: ${JSON.stringify([left[0], details, all])}`;
    });
  }).catch(async (error) => {
    // For the message: what the server still left waiting after a nudge.
    await nudge(reference, world);
    const [{ created_at = "" } = {}] = await unended(world);
    await world.end("SIGKILL");
    const waiting = (await world.stored()).filter(({ key }) =>
      key[0] === "queue" || key[0] === "later"
    );
    const keys = waiting.map(({ key }) => key.join(" "));
    throw new Error(`${error}; now it is ${created_at}; in the store: ${keys}`, { cause: error });
  });
}

/** Waits until all webhooks are delivered, and sets the clock ahead for those that wait. */
async function allTold(reference: Reference, world: World): Promise<void> {
  await audit(reference, world);
  await checkAllCame(reference, world).catch(async () => {
    reference.shift += DELIVERY_WAIT_MS;
    reference.starts.jumped();
    await world.setClock(reference.shift);
    await world.until(() => checkAllCame(reference, world));
  });
}

/** Tasks that have not ended. */
async function unended(world: World): Promise<TaskRecord[]> {
  const path = `/tasks?status=pending,running,waiting&limit=500&kind=${OWN_KINDS}`;
  return (await world.get<{ tasks: TaskRecord[] }>(path)).tasks;
}

function waitsForTime(record: TaskRecord): boolean {
  return isQueued(record) && waits(record);
}

function waitsForOthers({ waiting_for }: TaskRecord): boolean {
  return waiting_for?.type === "children" || waiting_for?.type === "turn";
}

/** Whether a task, or a child of it, ends only when it is canceled. */
function neverEnds({ script, timeoutMs }: Pick<Fate, "script" | "timeoutMs">): boolean {
  // Its timeout does not help: the time that a task waits for its children does not count.
  return (script.holds && timeoutMs === null) ||
    script.parts.some((_, n) => neverEnds({ script: childOf(script, n).input, timeoutMs: null }));
}

type FeedRecord = { task_id: string; status: string; seq: number };
