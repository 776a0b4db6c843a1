/**
 * One look after a task that has children: reads from the store what it needs now, and does it.
 *
 * @module
 */

import { readAnswer } from "../kv/answers.ts";
import { readGroup, unendedChildren } from "../kv/children.ts";
import { textValue } from "../kv/head.ts";
import type { Heads } from "../kv/heads.ts";
import { keys } from "../kv/keys.ts";
import { answerText } from "../task/answer.ts";
import {
  type ChildPlan,
  countChildren,
  endedOf,
  type GroupedChild,
  isEnded,
  readPlan,
} from "../task/child.ts";
import { type Estimate, estimate } from "../task/eta.ts";
import { type ChildCounts, isFinished, type StepRow, type TaskRecord } from "../task/record.ts";
import type { LiveTask } from "./live_task.ts";
import type { Decided } from "./decided.ts";

export interface FamilyOptions {
  kv: Deno.Kv;
  heads: Heads;
  /** Names this process in the heads of tasks that it runs. */
  sid: string;
  /** Milliseconds since the epoch. */
  now(): number;
  cancel(id: string): Promise<Decided>;
  /** See {@link ./decisions.ts Decisions}. */
  decide(id: string, action: (live: LiveTask) => "changed" | "refused"): Promise<Decided>;
  onpending(live: LiveTask): void;
}

/** Children changed at once. */
const AT_ONCE = 50;

/** Most running children whose own progress counts: among more of them each matters little. */
const MAX_UNDER_WAY = 200;

/** The least growth of a parent's progress, as a fraction of 1, that is worth an update. */
const NEWS = 1 / 1000;

/** Most parents whose pace is remembered. */
const MAX_PACES = 1000;

const NOBODY = { status: null, progress: null };

export class Family {
  readonly #options: FamilyOptions;
  /** How fast the children of each parent are, as this process sees it. */
  readonly #paces = new Map<string, Estimate>();

  constructor(options: FamilyOptions) {
    this.#options = options;
  }

  /**
   * Does what a parent and its children need now.
   *
   * @returns Whether to look again soon even if nothing changes: the process that runs the first of
   * the running children updates their progress.
   */
  async look(parent: string): Promise<boolean> {
    const { kv, heads } = this.#options;
    const head = await heads.get(parent);
    const record = head && JSON.parse(head.record) as TaskRecord;
    if (!record || isFinished(record.status)) {
      this.#paces.delete(parent);
      await this.#cancelChildren(parent, record === null);
      return false;
    }
    const name = awaitedGroup(record);
    if (name === null) return false;
    const plan = readPlan((await readAnswer(kv, parent, name))?.json ?? null);
    if (!plan || plan.ended) return false;
    const children: GroupedChild[] = await Array.fromAsync(
      readGroup(kv, parent, name, { before: plan.total }),
    );
    const counts = countChildren(plan.total, children);
    if (endedOf(counts) === plan.total) {
      this.#paces.delete(parent);
      await this.#wake(parent, name, plan, counts);
      return false;
    }
    const { done, here } = await this.#underWay(children);
    await this.#tell(parent, name, counts, done);
    if (plan.on_failure === "cancel" && counts.failed + counts.canceled > 0) {
      await this.#cancel(children.filter(({ state }) => !isEnded(state)).map(({ id }) => id));
    } else {
      await this.#release(name, plan, children);
    }
    return here;
  }

  /** The progress of running children, 1 for a whole one, and whether the first of them runs here. */
  async #underWay(children: readonly GroupedChild[]): Promise<{ done: number; here: boolean }> {
    const running = children.filter(({ state }) => state === "running").slice(0, MAX_UNDER_WAY);
    const entries = await this.#options.heads.getMany(running.map(({ id }) => id));
    let done = 0;
    for (const { value } of entries) {
      const { status, progress } = value ? JSON.parse(value.record) as TaskRecord : NOBODY;
      if (status === "running") done += (progress ?? 0) / 100;
    }
    return { done, here: entries[0]?.value?.owner === this.#options.sid };
  }

  /** Cancels the children of a task that has ended or is gone: nobody waits for their results. */
  async #cancelChildren(parent: string, gone: boolean): Promise<void> {
    const { kv } = this.#options;
    // A parent that is retried meanwhile writes this key again, and the check below fails.
    const key = keys.parent(parent);
    const { versionstamp } = await kv.get(key);
    const ids = await unendedChildren(kv, parent);
    await this.#cancel(ids);
    if (ids.length > 0) return;
    if (gone) {
      const left = kv.list({ prefix: keys.groups(parent) });
      for await (const { key } of left) await kv.delete(key);
    }
    if (versionstamp !== null) await kv.atomic().check({ key, versionstamp }).delete(key).commit();
  }

  async #cancel(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => this.#options.cancel(id)));
    }
  }

  /** Gives turns within `concurrency`, in order, so that all processes choose the same children. */
  async #release(
    name: string,
    { concurrency }: ChildPlan,
    children: readonly GroupedChild[],
  ): Promise<void> {
    const held = children.filter(({ state }) => state === "held");
    const under = children.filter(({ state }) => state !== "held" && !isEnded(state)).length;
    const next = held.slice(0, Math.max(0, (concurrency ?? Infinity) - under));
    for (let at = 0; at < next.length; at += AT_ONCE) {
      await Promise.all(next.slice(at, at + AT_ONCE).map(({ id }) => this.#letGo(id, name)));
    }
  }

  #letGo(id: string, name: string): Promise<Decided> {
    return this.#options.decide(id, (live) => {
      const { waiting_for } = live.record;
      const waits = waiting_for?.type === "turn" && waiting_for.name === name;
      if (!waits || !live.change({ type: "wake" }).ok) return "refused";
      this.#options.onpending(live);
      return "changed";
    });
  }

  /** Updates the counts and the progress in a parent's record. */
  async #tell(
    parent: string,
    name: string,
    counts: ChildCounts,
    underWay: number,
  ): Promise<void> {
    const known = this.#paces.get(parent);
    // A retried child starts at 0 again, but progress that was shown is not taken back.
    const done = Math.max(endedOf(counts) + underWay, known?.value ?? 0);
    const moved = done - (known?.value ?? 0) >= NEWS * counts.total;
    const pace = estimate(known, this.#options.now(), done, counts.total);
    this.#paces.delete(parent);
    this.#paces.set(parent, pace);
    const [first] = this.#paces.keys();
    if (this.#paces.size > MAX_PACES) this.#paces.delete(first!);
    await this.#options.decide(parent, (live) => {
      if (awaitedGroup(live.record) !== name) return "refused";
      if (!moved && !isNews(live.record, counts)) return "refused";
      live.family(counts, pace, done - endedOf(counts));
      return "changed";
    });
  }

  /** Lets a parent go on whose children have all ended. */
  async #wake(parent: string, name: string, plan: ChildPlan, counts: ChildCounts): Promise<void> {
    const { now, decide, onpending } = this.#options;
    const failed = counts.failed + counts.canceled;
    await decide(parent, (live) => {
      if (awaitedGroup(live.record) !== name) return "refused";
      const ended = { failed, attempt_at: live.record.started_at };
      const json = JSON.stringify({ ...plan, ended } satisfies ChildPlan);
      const answer = { type: "children" as const, done: true, until: null, json };
      const value = textValue(answerText(answer));
      live.family(counts, { rate: null, etaMs: null });
      const time = new Date(now()).toISOString();
      live.rows.step(
        JSON.stringify({ name, type: "children", status: "done", time } satisfies StepRow),
      );
      if (!live.change({ type: "wake" }).ok) return "refused";
      live.also({
        sets: [[keys.answer(parent, name), value, value.length]],
        deletes: [keys.parent(parent)],
      });
      onpending(live);
      return "changed";
    });
  }
}

/** The group that a task waits for; `null` for none. */
function awaitedGroup({ waiting_for }: TaskRecord): string | null {
  return waiting_for?.type === "children" ? waiting_for.name : null;
}

function isNews({ children: known }: TaskRecord, counts: ChildCounts): boolean {
  if (known?.made !== undefined || !known) return true;
  return (Object.keys(counts) as (keyof ChildCounts)[]).some((name) =>
    known[name] !== counts[name]
  );
}
