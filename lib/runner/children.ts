/**
 * Makes the children that tasks ask for.
 *
 * @module
 */

import { forAWhile, patiently } from "../base/patiently.ts";
import { deadline } from "../base/deadline.ts";
import type { FromTasks, NewChild, RefusedChild } from "../child/protocol.ts";
import { readAnswer } from "../kv/answers.ts";
import { readGroup } from "../kv/children.ts";
import type { Store, Submission } from "../store/store.ts";
import { StoreError } from "../store/store_error.ts";
import {
  type ChildPlace,
  type ChildPlan,
  type GroupedChild,
  MAX_CHILD_DEPTH,
  MAX_CHILDREN,
  readPlan,
  turnIn,
} from "../task/child.ts";
import type { LiveTask } from "../store/live_task.ts";
import { byteLength } from "../base/bytes.ts";
import { labelsOf } from "../task/labels.ts";
import type { Kind } from "../task/kind.ts";
import { MAX_JSON } from "../task/limits.ts";
import { MAX_UPLOADS, namedUploads } from "../task/named_uploads.ts";
import type { TaskKeys } from "../task/record.ts";
import { UncheckedError } from "./checks.ts";
import type { Kinds } from "./kinds.ts";
import type { Run } from "./run.ts";
import type { TaskPools } from "./task_pools.ts";

export interface ChildrenOptions {
  store: Store;
  kinds: Kinds;
  pools: TaskPools<Run>;
  /** Returns a kind that another process runs, or `null`. */
  elsewhere(kind: string): Promise<Kind | null>;
}

/** Milliseconds to wait for modules that are being loaded: one of them may have the kind. */
const LOADING_MS = 5000;

type Asked = Omit<Extract<FromTasks, { type: "children" }>, "type" | "request" | "run">;

type TracedChild = NewChild & Pick<Asked, "traceparent">;

/** What a run has made so far. */
interface Making {
  /** How many children its task has, including those that are being made. */
  begun: number;
  /** The group that is being made, and how many of its children had completed before. */
  name: string;
  completed: number;
  /** Resolves to whether the next children may be made. */
  turn: Promise<boolean>;
}

/** Why a child cannot be made, without its index; `null` if it can. */
type Refused = Omit<RefusedChild, "index"> | null;

export class Children {
  readonly #options: ChildrenOptions;
  readonly #makings = new WeakMap<Run, Making>();

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /**
   * Makes the children of a run's task that do not exist yet, and retries those that failed or were
   * canceled.
   *
   * @returns The first that cannot be made; `null` if all are made.
   */
  async make(run: Run, asked: Asked): Promise<RefusedChild | null> {
    let making = this.#makings.get(run);
    if (!making) {
      const turn = Promise.resolve(true);
      making = { begun: run.live.task.children ?? 0, name: asked.name, completed: 0, turn };
      this.#makings.set(run, making);
    }
    if (making.name !== asked.name) Object.assign(making, { name: asked.name, completed: 0 });
    const { turn } = making;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    making.turn = promise;
    try {
      return await this.#make(run, asked, making, turn, () => resolve(true));
    } finally {
      resolve(false);
    }
  }

  async #make(
    run: Run,
    { name, from, entries, traceparent }: Asked,
    making: Making,
    turn: Promise<boolean>,
    begun: () => void,
  ): Promise<RefusedChild | null> {
    const { kv } = this.#options.store;
    const { id } = run.live;
    const over = new AbortController();
    void run.over.then(() => over.abort());
    const { signal } = over;
    const read = <T>(work: () => Promise<T>) => patiently(work, forAWhile(() => true), signal);
    const plan = readPlan((await read(() => readAnswer(kv, id, name)))?.json ?? null);
    const before = from + entries.length;
    if (!plan || plan.ended || before > plan.total) {
      return { index: from, message: "its group was not begun" };
    }
    const known = new Map<number, GroupedChild>();
    const group = () => Array.fromAsync(readGroup(kv, id, name, { from, before }));
    for (const child of await read(group)) {
      known.set(child.index, child);
      if (child.state === "completed") making.completed++;
    }
    try {
      const prepared = await Promise.all(entries.map((entry, n) => {
        const grouped = known.get(from + n);
        if (grouped) return { make: () => this.#again(grouped, name, plan, signal) };
        const place = { parent: id, name, index: from + n };
        const traced = traceparent === undefined ? {} : { traceparent };
        return this.#prepare(run, place, plan, { ...entry, ...traced }, signal);
      }));
      const refusals = (all: readonly (Refused | { make: unknown })[]): RefusedChild[] =>
        all.flatMap((it, n) => it && !("make" in it) ? [{ index: from + n, ...it }] : []);
      const [unfit] = refusals(prepared);
      if (unfit) return unfit;
      // After one that is refused no others are made.
      if (!await turn) return null;
      const room = MAX_CHILDREN - making.begun;
      const added = prepared.flatMap((_, n) => known.has(from + n) ? [] : [from + n]);
      if (added.length > room) {
        const message = `a task may have ${MAX_CHILDREN} children`;
        return { index: added[Math.max(0, room)]!, message, range: true };
      }
      making.begun += added.length;
      // All are begun at once, so that they run in their order.
      const made = Promise.all(prepared.map((it) => "make" in it ? it.make() : it));
      begun();
      const [refused = null] = refusals(await made);
      // Meanwhile its task may have ended, or have begun another run elsewhere.
      if (refused === null && !run.isOver) tellMade(run.live, making, before, plan.total);
      return refused;
    } catch (error) {
      // The run is over: nothing waits for its children.
      if (signal.aborted) return null;
      throw error;
    }
  }

  async #again(
    { id, state }: GroupedChild,
    name: string,
    plan: ChildPlan,
    signal: AbortSignal,
  ): Promise<Refused> {
    if (state !== "failed" && state !== "canceled") return null;
    const { store } = this.#options;
    const waitsFor = plan.concurrency === null ? undefined : turnIn(name);
    const decided = await taken(() => store.retry(id, waitsFor ? { for: waitsFor } : {}), signal);
    if (decided.ok || decided.reason !== "no-upload") return null;
    return { message: `its upload ${decided.upload} was removed` };
  }

  /** Checks a child that is to be made. */
  async #prepare(
    run: Run,
    place: Omit<ChildPlace, "depth">,
    { concurrency }: ChildPlan,
    { kind, input, traceparent = run.live.task.traceparent }: TracedChild,
    signal: AbortSignal,
  ): Promise<NonNullable<Refused> | { make(): Promise<Refused> }> {
    const { live } = run;
    const depth = (live.task.child?.depth ?? 0) + 1;
    if (depth > MAX_CHILD_DEPTH) {
      return { message: `tasks may be nested at most ${MAX_CHILD_DEPTH} deep`, range: true };
    }
    const known = await this.#kind(kind, signal);
    if (!known) return { message: `there is no kind '${kind}'` };
    const checked = known.checked ? await this.#checked(kind, input, signal) : { input };
    if ("message" in checked) return checked;
    const { store } = this.#options;
    const { priority } = live.record;
    const { owner } = labelsOf(live.json);
    const { submitter } = live.task;
    const submission: Submission = {
      kind,
      ...checked,
      named: namedUploads(checked.input),
      priority,
      runAt: store.now(),
      maxAttempts: known.retry.maxAttempts,
      timeoutMs: known.timeout,
      retention: known.retention,
      keep: live.record.keep,
      child: { ...place, depth },
      ...(concurrency === null ? {} : { waitsFor: turnIn(place.name) }),
      ...(owner === undefined ? {} : { owner }),
      ...(submitter === undefined ? {} : { submitter }),
      traceparent,
      ...(known.notify ? { notify: known.notify } : {}),
    };
    return { make: () => this.#submit(live, submission, signal) };
  }

  async #submit(
    live: LiveTask,
    submission: Submission,
    signal: AbortSignal,
  ): Promise<Refused> {
    const submitted = await taken(() => this.#options.store.submit(submission), signal);
    // Only now: a child that a crash takes back must not count for ever.
    if (submitted.ok && submitted.created) live.countChild();
    if (submitted.ok) return null;
    if (submitted.reason === "no-upload") {
      return { message: `its input names an upload that does not exist: '${submitted.upload.id}'` };
    }
    return { message: `its input names more than ${MAX_UPLOADS} uploads` };
  }

  /** A kind that this process or another one runs. Its module may have failed: it may come back. */
  async #kind(name: string, signal: AbortSignal): Promise<Kind | null> {
    const { kinds, elsewhere } = this.#options;
    if (!kinds.has(name)) await deadline(kinds.loaded, LOADING_MS, () => {});
    const known = kinds.get(name);
    if (known && kinds.moduleOf(name)?.state.type === "ready") return known;
    // No process here can check its input: each attempt does.
    const other = await patiently(() => elsewhere(name), forAWhile(() => true), signal) ?? known;
    return other ? { ...other, checked: false } : null;
  }

  async #checked(
    kind: string,
    input: string | null,
    signal: AbortSignal,
  ): Promise<
    { input: string | null; parsed?: boolean; keys?: TaskKeys } | { message: string }
  > {
    const result = await patiently(
      () => this.#options.pools.check(kind, input),
      (error) => error instanceof UncheckedError,
      signal,
    );
    if ("issues" in result) {
      const { path, message } = result.issues[0]!;
      return { message: `${["input", ...path].join(".")}: ${message}` };
    }
    const size = result.input === null ? 0 : byteLength(result.input);
    if (size <= MAX_JSON) return result;
    return { message: `its input is ${size} bytes of JSON with its defaults` };
  }
}

/** Shows in a task's record how many children of a group are made. */
function tellMade(live: LiveTask, { completed }: Making, made: number, total: number): void {
  const counts = { total, completed, failed: 0, canceled: 0, running: 0 };
  live.family(made < total ? { ...counts, made } : counts, { rate: null, etaMs: null });
}

/** Repeats a write while the store is stalled, and for a while after any other failure. */
function taken<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const waits = forAWhile(() => true);
  const passes = (error: unknown) =>
    error instanceof StoreError ? error.reason === "stalled" : waits();
  return patiently(write, passes, signal);
}
