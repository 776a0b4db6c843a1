/**
 * Compares what the server tells requests and streams with what it should know.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { type EventRow, storedEvents } from "../helpers/api.ts";
import { isFinished } from "../../lib/task/record.ts";
import { boundOf, type EventType } from "../../lib/task/event.ts";
import { adoptChild, checkFamily } from "./audit_family.ts";
import { checkFiles } from "./audit_files.ts";
import { adoptScheduled, checkOverlaps } from "./audit_schedules.ts";
import { checkDebounced, resolveDebounced } from "./debounce.ts";
import { checkPauses } from "./audit_pauses.ts";
import { checkRuns } from "./audit_runs.ts";
import { checkSignals } from "./audit_signals.ts";
import { isTakenBack } from "./counted.ts";
import { Broken, holds } from "./invariants.ts";
import { OWN_WAYS, type Script } from "./script.ts";
import { type KnownTask, MAX_LOG, MODULES, OWNER, type Reference } from "./reference.ts";
import { Trace } from "./trace.ts";
import { checkArrivals } from "./webhooks.ts";
import type { World } from "./world.ts";

/** Kinds of which the reference knows every task. The tasks of a crowd are of another kind. */
export const OWN_KINDS = Object.values(MODULES).flat().join();

/** Rows of a page: the most that the server allows. */
const PAGE_ROWS = 1000;

/** Checks the invariants that hold after each command. */
export async function audit(reference: Reference, world: World): Promise<void> {
  world.checkLog();
  const clients = world.watchers.map((watcher) => {
    return { watcher, seen: [...watcher.seen], start: watcher.start };
  });
  for (const { failure } of [...world.watchers, ...world.feeds]) {
    if (failure !== null) throw failure;
  }
  const arrivals = [...world.hooks.arrivals];
  const listed = await agreement(world);
  await adopt(reference, world, listed);
  for (const task of reference.tasks) {
    const record = listed.find(({ task_id }) => task_id === task.id);
    if (task.gone === "maybe" && record === undefined) task.gone = true;
    if (task.gone === "maybe") continue;
    if (task.gone) {
      holds("I5", record === undefined, () => `${task.id} is listed`);
      continue;
    }
    if (record === undefined) await tellUnlisted(task, world);
    const watched = clients.some(({ watcher, seen }) => watcher.id === task.id && seen.length > 0);
    if (record!.seq !== task.record?.seq) {
      await resolveDebounced(task, record!, reference, world);
      await auditTask(world, task, record!);
    } else if (watched) task.rows = await readRows(world, task);
  }
  checkPrinted(reference, world);
  checkPauses(reference);
  checkRuns(reference);
  checkOverlaps(reference);
  checkDebounced(reference);
  checkArrivals(reference, world.hooks, arrivals);
  reference.starts.check(reference, world);
  for (const task of reference.present) checkSignals(task);
  for (const task of reference.present) checkFamily(task, reference);
  for (const { watcher, seen, start } of clients) {
    const task = reference.find(watcher.id)!;
    if (task.gone === false && start !== null) watcher.compare(task.rows, seen, start);
  }
}

/** Says what else is known of a task that no list has: that tells whether it is lost. */
async function tellUnlisted({ id, record, submission }: KnownTask, world: World): Promise<never> {
  const [answer, byText] = await Promise.all([
    world.ask("GET", `/tasks/${id}`),
    world.ask("GET", `/tasks?q=${id}`),
  ]);
  const told = JSON.stringify({ submission, before: record, answer, byText: byText?.body });
  throw new Broken("I1", `${id} is not listed: ${told}`);
}

/** Checks the printed lines: each holds the nonce of its task, which the log may name, too. */
function checkPrinted({ tasks }: Reference, { printed }: World): void {
  for (const { line, id } of printed.splice(0)) {
    const [, nonce, way] = /(n[\d.]+) by (\w+)/.exec(line) ?? [];
    // `console.table` also prints lines that are only borders.
    if (nonce === undefined) continue;
    const known = id !== undefined || !OWN_WAYS.some((own) => own === way);
    holds("I18", known, () => `nobody knows who printed ${line}`);
    const task = tasks.find((task) => task.id === id);
    const right = !task || task.submission.input.nonce === nonce;
    holds("I18", right, () => `${id} is said to have printed ${line}`);
  }
}

/** Reads lists and counts until nothing changes meanwhile, and asserts that they agree. */
async function agreement(world: World): Promise<TaskRecord[]> {
  let listed: TaskRecord[] = [];
  await world.until(async () => {
    listed = await list(world, "");
    // Counts are cached by the kinds asked for: a random kind avoids the cache.
    const counts = await world.get<Record<string, number>>(
      `/tasks/counts?kind=${OWN_KINDS},x${crypto.randomUUID().slice(0, 8)}`,
    );
    const status = listed[0]?.status ?? "pending";
    const [ofStatus, limited, owned, tagged, again] = await Promise.all([
      list(world, `&status=${status}`),
      list(world, "", "model-limited"),
      list(world, `&owner=${OWNER}`),
      list(world, "&tag=each,tag%201"),
      list(world, ""),
    ]);
    const states = (records: TaskRecord[]) => records.map((it) => it.task_id + it.status).join();
    if (states(listed) !== states(again)) throw new Error("Tasks change their states all the time");
    const where = (wanted: (it: TaskRecord) => boolean) => states(listed.filter(wanted));
    const same = (name: string, told: string, right: string) =>
      holds("I7", told === right, () => `${name}: ${told}, and the list has ${right}`);
    for (const [status, count] of Object.entries(counts)) {
      if (status === "limit") continue;
      same(status, String(count), String(listed.filter((it) => it.status === status).length));
    }
    same("by status", states(ofStatus), where((it) => it.status === status));
    same("by owner", states(owned), where((it) => it.owner === OWNER));
    same("by tags", states(tagged), where((it) => it.tags?.includes("tag 1") === true));
    same("by kind", states(limited), where((it) => it.kind === "model-limited"));
  });
  const ids = listed.map(({ task_id }) => task_id);
  holds("I7", new Set(ids).size === ids.length, () => `twice in a list: ${ids}`);
  return listed;
}

async function list(world: World, query: string, kinds = OWN_KINDS): Promise<TaskRecord[]> {
  const path = `/tasks?limit=500&kind=${kinds}${query}`;
  const { tasks } = await world.get<{ tasks: TaskRecord[] }>(path);
  return tasks;
}

/** Notes unknown tasks: a child's, a schedule's, or one whose submission got no answer. */
async function adopt(
  reference: Reference,
  world: World,
  listed: readonly TaskRecord[],
): Promise<void> {
  let unknown = listed.filter(({ task_id }) => !reference.find(task_id));
  while (unknown.length > 0) {
    const orphans: TaskRecord[] = [];
    for (const record of unknown) {
      const { task_id: id, parent_id } = record;
      const parent = parent_id === undefined ? null : reference.find(parent_id);
      // Its parent may itself be an unknown child, which a later round finds.
      if (parent === undefined) orphans.push(record);
      if (parent === undefined) continue;
      if (record.schedule_id !== undefined) {
        adoptScheduled(record, reference);
        continue;
      }
      const { input } = await world.get<{ input: Script }>(`/tasks/${id}/details`);
      if (parent) {
        adoptChild(record, input, parent, reference);
        continue;
      }
      const submission = reference.unanswered.get(input.nonce) ??
        reference.debounced.get(input.nonce)?.submission;
      holds("I1", submission !== undefined, () => `nobody submitted ${id}, ${input.nonce}`);
      reference.add(id, submission!, { keyed: true });
    }
    const told = () => `parents of ${JSON.stringify(orphans)} are unknown`;
    holds("I21", orphans.length < unknown.length, told);
    unknown = orphans;
  }
}

async function auditTask(world: World, task: KnownTask, listed: TaskRecord): Promise<void> {
  const { id, fate, record: before } = task;
  const check = (condition: boolean, what: () => string) =>
    holds("I9", condition, () => `${id}: ${what()}`);
  check(listed.seq >= (before?.seq ?? 0), () => `seq ${listed.seq} after ${before?.seq}`);
  const rows = await readRows(world, task);
  check(rows.length > 0, () => `${JSON.stringify(listed)} has no rows`);
  checkGrown(task, rows);
  const trace = new Trace({ ...fate });
  for (const row of rows) trace.push(row);
  // More than one page is not read at one moment: an output may be taken back between two pages.
  if (rows.length < PAGE_ROWS) {
    const back = rows.find(({ event, seq }) => event === "output" && isTakenBack(seq, rows));
    holds(
      "I19",
      back === undefined,
      () => `${id} tells ${JSON.stringify(back)}, which was taken back`,
    );
  }
  const answer = await world.get<TaskRecord<Partial<Script>>>(`/tasks/${id}`);
  check(answer.seq >= rows.at(-1)!.seq, () => `seq ${answer.seq}, and a row ${rows.at(-1)!.seq}`);
  if (isFinished(answer.status)) {
    const { event, seq } = rows.at(-1)!;
    const right = answer.seq > listed.seq || (event === "complete" && seq === answer.seq);
    holds("I2", right, () => {
      const last = JSON.stringify(rows.slice(-3));
      return `${JSON.stringify(answer)}, and its last rows are ${last}`;
    });
  }
  const told = answer.status !== "completed" || answer.result?.nonce === fate.script.nonce;
  holds("I1", told, () => `${id} has the result ${JSON.stringify(answer.result)}`);
  await checkFiles(world, task, answer);
  task.record = listed;
  task.rows = rows;
}

/** A task's rows, as of one moment if some may be removed while they are read. */
async function readRows(world: World, { id, fate }: KnownTask): Promise<EventRow[]> {
  let rows: EventRow[] = [];
  await world.until(async () => {
    const before = await world.get<TaskRecord>(`/tasks/${id}`);
    rows = await storedEvents(world.url!, id, PAGE_ROWS);
    const after = await world.get<TaskRecord>(`/tasks/${id}`);
    if (fate.trims && before.seq !== after.seq) throw new Error(`${id} goes on`);
  });
  return rows;
}

/** Asserts that old rows are still stored, save for outputs taken back and trimmed logs. */
function checkGrown(task: KnownTask, rows: readonly EventRow[]): void {
  const { id, fate, rows: before } = task;
  const now = new Map(rows.map((row) => [row.seq, row]));
  // However many runs there were since the last look, trimming leaves at least MAX_LOG logs.
  const logs = (all: readonly EventRow[]) =>
    all.filter(({ event }) => boundOf(event as EventType) === "log");
  const isLess = logs(before).some(({ seq }) => !now.has(seq));
  if (isLess && logs(rows).length >= MAX_LOG) task.trimmed = true;
  const oldest = (type: string) => rows.find(({ event }) => event === type)?.seq ?? Infinity;
  for (const { seq, event, data } of before) {
    const row = now.get(seq);
    const bound = boundOf(event as EventType);
    const went = fate.trims && bound !== null && seq < oldest(bound);
    if (row === undefined && (went || (event === "output" && isTakenBack(seq, rows)))) continue;
    const same = JSON.stringify(row?.data) === JSON.stringify(data);
    holds("I9", same, () => {
      const kept = rows.map((it) => `${it.seq} ${it.event}`).join(", ");
      return `${id}: row ${seq} was ${JSON.stringify(data)}, of which is left: ${kept}`;
    });
  }
}
