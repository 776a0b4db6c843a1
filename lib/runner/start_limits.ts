/**
 * The limits on starts of a kind's tasks: slots and a rate, each for the kind or for the task's
 * key. A start takes a slot under each, and its commit tells whether it has got them.
 *
 * @module
 */

import type { Jobs } from "./jobs.ts";
import { Timer } from "../base/timer.ts";
import type { Kind } from "../task/kind.ts";
import type { TaskKeys } from "../task/record.ts";
import { keysIn } from "../task/start_limits.ts";
import type { Part, WriteResult } from "../store/write.ts";
import type { TakenSlot } from "./rate_window.ts";
import { Rates } from "./rates.ts";
import { type Slot, Slots } from "./slots.ts";
import { Sorted } from "./sorted.ts";

export interface StartLimitsOptions {
  kv: Deno.Kv;
  write(part: Part): Promise<WriteResult>;
  /** Whether no other process runs tasks of this store. */
  alone: boolean;
  now(): number;
  jobs: Jobs;
  /** The slots of a name that runs here have: taken whatever the store says. */
  own(name: string): number[];
  /** Tasks that were held by `by` may have room. */
  onfree(kind: string, by: string): void;
}

/** What a start takes: a slot of its concurrency limit, and one of its rate. */
export interface Places {
  readonly kind: string;
  readonly slot: Slot | null;
  readonly rate: TakenSlot | null;
  /** What the start's commit has to check and to set. */
  readonly part: Required<Pick<Part, "checks" | "sets">>;
}

interface Wait {
  readonly at: number;
  readonly kind: string;
  readonly by: string;
}

/** The longest time that a timer is set for: a task may wait for hours. */
const MAX_TIMER_MS = 60_000;

export class StartLimits {
  readonly #options: StartLimitsOptions;
  readonly #slots: Slots;
  readonly #rates: Rates;
  /** How many tasks are being loaded and must find slots free, by what would hold others. */
  readonly #reserved = new Map<string, number>();
  readonly #waits = new Sorted<Wait>((a, b) => a.at - b.at || (a.by < b.by ? -1 : 1));
  readonly #waiting = new Set<string>();
  /** Names whose slots could not be read, and are to be read again. */
  readonly #unread = new Set<string>();
  readonly #timer = new Timer();

  constructor(options: StartLimitsOptions) {
    this.#options = options;
    this.#slots = new Slots(options.alone ? null : options.kv);
    this.#rates = new Rates(options);
  }

  /**
   * Names what keeps tasks of a kind and key from starting; `null` for nothing.
   *
   * @param key `undefined` for what keeps all of the kind.
   */
  heldBy(kind: Kind, key: string | undefined): string | null {
    const { keyed, rate } = kind;
    const keys = key === undefined ? undefined : keysIn(key);
    const slotName = keyed && !keys ? null : slotNameOf(kind, keys);
    if (slotName !== null && this.#freeSlot(kind, slotName) === null) return `slot ${slotName}`;
    const rateName = rate?.keyed && !keys ? null : rateNameOf(kind, keys);
    if (rateName === null) return null;
    const by = `rate ${rateName}`;
    const ms = this.#rates.waitMs(rateName, kind.rate!, this.#reserved.get(by));
    if (ms === 0) return null;
    this.#wake(kind.kind, by, ms);
    return by;
  }

  /** Milliseconds until its rate lets a task start, as far as is known. */
  rateWaitMs(kind: Kind, keys: TaskKeys | undefined): number {
    const name = rateNameOf(kind, keys);
    return name === null ? 0 : this.#rates.waitMs(name, kind.rate!);
  }

  /** Reserves slots while a chosen task is loaded; returns what to call when it is. */
  reserve(kind: Kind, key: string | undefined): () => void {
    const keys = key === undefined ? undefined : keysIn(key);
    const [slot, rate] = [slotNameOf(kind, keys), rateNameOf(kind, keys)];
    const held = [
      ...(slot === null ? [] : [`slot ${slot}`]),
      ...(rate === null ? [] : [`rate ${rate}`]),
    ];
    for (const by of held) this.#reserved.set(by, (this.#reserved.get(by) ?? 0) + 1);
    return () => {
      for (const by of held) {
        const left = this.#reserved.get(by)! - 1;
        if (left > 0) this.#reserved.set(by, left);
        else this.#reserved.delete(by);
        this.#options.onfree(kind.kind, by);
      }
    };
  }

  /** Takes the slots for a start; `null` if one is not free. */
  take(kind: Kind, keys: TaskKeys | undefined): Places | null {
    const slotName = slotNameOf(kind, keys);
    // Reservations do not count here: this task may be one that has them.
    const n = slotName === null ? null : this.#slots.free(slotName, kind.concurrency!);
    if (slotName !== null && n === null) return null;
    const rateName = rateNameOf(kind, keys);
    const taken = rateName === null ? null : this.#rates.take(rateName, kind.rate!);
    if (rateName !== null && taken === null) return null;
    if (slotName !== null) this.#slots.take(slotName, n!);
    const { checks = [], sets = [] } = taken?.part ?? {};
    return {
      kind: kind.kind,
      slot: slotName === null ? null : { name: slotName, n: n! },
      rate: taken?.slot ?? null,
      part: { checks, sets },
    };
  }

  /** The start is on its way, and has its time. */
  started({ rate }: Places): void {
    if (rate) this.#rates.started(rate);
  }

  /** The start is committed. */
  landed({ rate }: Places, versionstamp: string): void {
    if (rate) this.#rates.landed(rate, versionstamp);
  }

  /** The start was refused. */
  async lost(kind: Kind, { rate }: Places): Promise<void> {
    if (!rate || !kind.rate) return;
    await this.#rates.lost(rate, kind.rate);
    this.#options.onfree(kind.kind, `rate ${rate.name}`);
  }

  /** Frees the slot of a run that is over, or did not start. That of a rate stays taken. */
  release({ kind, slot }: Places): void {
    if (!slot) return;
    this.#slots.release(slot.name, slot.n);
    this.#options.onfree(kind, `slot ${slot.name}`);
  }

  /** How many slots of a name are taken, as far as is known. */
  countSlots(name: string): number {
    return this.#slots.count(name);
  }

  /** Reads a name's slots again, if any are known: others may have taken or freed some. */
  refresh(kind: Kind, keys: TaskKeys | undefined): void {
    const name = slotNameOf(kind, keys);
    if (name === null || !this.#slots.has(name)) return;
    const again = (error: unknown) => {
      this.#readSlotsAgain(kind.kind, name);
      throw error;
    };
    this.#options.jobs.own(this.readSlots(kind.kind, name).catch(again));
  }

  /** Reads which slots of a name are taken. */
  async readSlots(kind: string, name: string): Promise<void> {
    await this.#slots.read(name, this.#options.own(name));
    this.#options.onfree(kind, `slot ${name}`);
  }

  /** Reads a name's slots until that succeeds: once for all reads that failed. */
  #readSlotsAgain(kind: string, name: string): void {
    if (this.#unread.has(name)) return;
    this.#unread.add(name);
    this.#options.jobs.ensure(async () => {
      // A read that fails from now on has it repeated once more.
      this.#unread.delete(name);
      try {
        await this.readSlots(kind, name);
      } catch (error) {
        if (this.#unread.has(name)) return;
        this.#unread.add(name);
        throw error;
      }
    });
  }

  close(): void {
    this.#timer.clear();
  }

  #freeSlot(kind: Kind, name: string): number | null {
    return this.#slots.free(name, kind.concurrency!, this.#reserved.get(`slot ${name}`));
  }

  #wake(kind: string, by: string, ms: number): void {
    if (this.#waiting.has(by)) return;
    this.#waiting.add(by);
    this.#waits.add({ at: performance.now() + ms, kind, by });
    this.#arm();
  }

  #arm(): void {
    const { first } = this.#waits;
    if (!first) return this.#timer.clear();
    const ms = Math.min(MAX_TIMER_MS, Math.max(0, first.at - performance.now()));
    this.#timer.set(Math.ceil(ms), () => this.#due());
  }

  #due(): void {
    const now = performance.now();
    const due: Wait[] = [];
    while (this.#waits.first && this.#waits.first.at <= now) due.push(this.#waits.shift()!);
    for (const { by } of due) this.#waiting.delete(by);
    this.#arm();
    for (const { kind, by } of due) this.#options.onfree(kind, by);
  }
}

/** The name under which a task has its slot; `null` if its kind has no limit. */
export function slotNameOf({ kind, concurrency, keyed }: Kind, keys?: TaskKeys): string | null {
  if (concurrency === null) return null;
  return keyed ? `${kind}\0${keys?.concurrency ?? ""}` : kind;
}

/** The name under which its starts are counted; `null` if its kind has no rate. */
export function rateNameOf({ kind, rate }: Kind, keys?: TaskKeys): string | null {
  if (!rate) return null;
  return rate.keyed ? `${kind}\0${keys?.rate ?? ""}` : kind;
}

/** Whether a task must be given keys before it can be counted. */
export function lacksKeys({ keyed, rate }: Kind, keys: TaskKeys = {}): boolean {
  return (keyed === true && keys.concurrency === undefined) ||
    (rate?.keyed === true && keys.rate === undefined);
}

/** Completes a task's keys for its kind's limits: tasks without a key share the empty one. */
export function allKeys({ keyed, rate }: Kind, keys: TaskKeys): TaskKeys {
  return { ...(keyed ? { concurrency: "" } : {}), ...(rate?.keyed ? { rate: "" } : {}), ...keys };
}
