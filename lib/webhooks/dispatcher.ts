/**
 * Sends webhooks. One key of the store tells it that there are some, whichever process wrote them,
 * and it looks now and then in any case. What is due is read from the store, some at a time, and
 * only what is being sent is held in memory.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import { Timer } from "../base/timer.ts";
import { claimDelay } from "../cluster/claim_order.ts";
import type { Delivery } from "../kv/deliveries.ts";
import { DeliveryTries, type DeliveryTriesOptions } from "./delivery_tries.ts";
import type { Due } from "./due_lines.ts";
import { Hosts } from "./hosts.ts";
import type { Outbox, Taken } from "./outbox.ts";
import { GIVE_UP_MS, retryMs, untried } from "./outcome.ts";

export interface DispatcherOptions extends DeliveryTriesOptions {
  outbox: Outbox;
  sid: string;
  /** The sessions of all processes that send. */
  workers(): readonly string[];
  /** Called after each try. */
  ontried?: ((end: Delivery["state"] | "failed") => void) | undefined;
  /** Milliseconds between two looks, at most. @default {5000} */
  lookMs?: number;
}

/** Milliseconds between two looks, at most: the clock may be set, and a watch may miss something. */
const LOOK_MS = 5000;

/** Milliseconds between two looks, at least: what happens meanwhile is found by the next one. */
const SOON_MS = 20;

/** Lines read in one look. */
const AT_ONCE = 256;

/** Most deliveries of one line in a row, before other lines have their turn. */
const MAX_RUN = 20;

/** Milliseconds that deliveries under way get at a stop. */
const STOP_MS = 2000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #tries: DeliveryTries;
  readonly #hosts = new Hosts();
  readonly #timer = new Timer();
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  /** Lines that this process is sending. */
  readonly #under = new Map<string, Promise<void>>();
  /** The last line that was read, if more may follow. */
  #after: Due | null = null;
  #looking: Promise<void> | null = null;
  /** When it last looked, in milliseconds of `performance.now()`. */
  #lookedAt = -Infinity;
  #again = false;
  /** Whether the next look first takes over what dead processes had. */
  #recovers = true;
  #watch: AsyncDisposable | undefined;

  /** Nothing happens before {@link Dispatcher.start}. */
  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#tries = new DeliveryTries(options);
  }

  start(): void {
    if (this.#stopped) return;
    this.#watch = this.#options.outbox.lines.watch(() => this.wake());
    this.wake();
  }

  /** Takes over what another process was sending, which is dead. */
  recover(): void {
    this.#recovers = true;
    this.wake();
  }

  /** Looks for what is due: now, or in a moment if it has just looked. */
  wake(): void {
    if (this.#stopped) return;
    const ms = this.#lookedAt + SOON_MS - performance.now();
    if (this.#looking) this.#again = true;
    else if (ms > 0) this.#timer.set(ms, () => this.wake());
    else this.#looking = this.#look();
  }

  /** Begins nothing more, and gives deliveries under way a moment to end. */
  async stop(graceMs: number = STOP_MS): Promise<void> {
    this.#stopping.abort();
    this.#timer.clear();
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#looking;
    const under = () => Promise.all(this.#under.values());
    await deadline(under(), graceMs, () => this.#aborting.abort());
    await under();
  }

  get #lookMs(): number {
    return this.#options.lookMs ?? LOOK_MS;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #look(): Promise<void> {
    this.#timer.clear();
    this.#again = false;
    let waitMs = this.#lookMs;
    try {
      if (this.#recovers) await this.#recover();
      waitMs = await this.#begin();
    } catch (error) {
      if (!this.#stopped) this.#options.log.warn("due webhooks could not be read", { error });
    }
    this.#looking = null;
    this.#lookedAt = performance.now();
    if (!this.#stopped) this.#timer.set(this.#again ? SOON_MS : waitMs, () => this.wake());
  }

  async #recover(): Promise<void> {
    this.#recovers = false;
    try {
      await this.#options.outbox.recover();
    } catch (error) {
      this.#recovers = true;
      throw error;
    }
  }

  /**
   * Begins to send what is due.
   *
   * @returns Milliseconds until something else may be due.
   */
  async #begin(): Promise<number> {
    const { outbox, now, sid, workers } = this.#options;
    const at = now();
    if (this.#hosts.full) return this.#lookMs;
    // The first ones may be of hosts that have no room: the next look goes on after them.
    const { dues, next } = await outbox.lines.due(AT_ONCE, this.#after);
    this.#after = dues.length === AT_ONCE ? dues.at(-1)! : null;
    let waitMs = this.#after ? 0 : Math.min(this.#lookMs, (next ?? Infinity) - at);
    const aside: Promise<void>[] = [];
    for (const due of dues) {
      if (this.#stopped) break;
      const line = lineOf(due);
      if (this.#under.has(line)) continue;
      const left = claimDelay(line, sid, workers()) - (at - due.at);
      if (left > 0) {
        waitMs = Math.min(waitMs, left);
        continue;
      }
      const room = this.#hosts.room(due.origin);
      if (room === "free") this.#run(line, due, this.#hosts.begin(due.origin));
      else if (room !== "busy") aside.push(this.#putOff(due, room));
    }
    await Promise.all(aside);
    return Math.max(SOON_MS, waitMs);
  }

  #run(line: string, due: Due, end: End): void {
    const running = this.#line(due, end).then(() => true, (error) => {
      if (!this.#stopped) this.#options.log.error("a webhook could not be sent", { error });
      return false;
    }).then((went) => {
      this.#under.delete(line);
      // A store that does not answer is not asked again at once.
      if (went) this.wake();
    });
    this.#under.set(line, running);
  }

  /** Sends what is due of a line, one delivery after the other. */
  async #line(due: Due, end: End): Promise<void> {
    const { outbox, now } = this.#options;
    for (let sent = 1;; sent++) {
      const taken = await this.#next(due, end);
      if (taken === null) return;
      ({ due } = taken);
      const goesOn = sent < MAX_RUN && !this.#stopped && this.#hosts.room(due.origin) === "free";
      if (!goesOn) return await outbox.lines.move(due, now());
      end = this.#hosts.begin(due.origin);
    }
  }

  /** Sends the next delivery of a line; `null` unless another one may follow at once. */
  async #next(due: Due, end: End): Promise<Taken | null> {
    const { outbox } = this.#options;
    let answered: boolean | null = null;
    try {
      const taken = await outbox.take(due);
      if (taken === null) return null;
      const went = await this.#tries.send(taken, this.#aborting.signal);
      if (went === null) {
        await outbox.giveBack(taken);
        return null;
      }
      ({ answered } = went);
      const after = await outbox.finish(taken, went.tried);
      this.#tell(taken, after);
      return after === null || after.state === "waiting" ? null : taken;
    } finally {
      end(answered);
    }
  }

  #tell({ n, due: { id, origin } }: Taken, after: Delivery | null): void {
    if (after === null) return;
    const { ontried, log } = this.#options;
    const { state, tries, attempts } = after;
    ontried?.(state === "waiting" ? "failed" : state);
    if (state !== "given_up") return;
    const error = attempts.at(-1)?.error;
    log.warn("a webhook was given up", { task: id, delivery: n, target: origin, tries, error });
  }

  /** Has a line wait whose host does not answer: the longer it has waited, the longer, up to a day. */
  async #putOff(due: Due, pauseMs: number): Promise<void> {
    const { outbox, now } = this.#options;
    const at = now();
    const age = Math.max(0, at - (await outbox.since(due) ?? at));
    if (age > GIVE_UP_MS) return await this.#giveUp(due);
    const tries = Math.ceil(Math.log2(2 + age / 2000));
    await outbox.lines.move(due, at + Math.max(spread(pauseMs), retryMs(tries, Math.random)));
  }

  /** Gives up what has been due for a day, without another try. */
  async #giveUp(due: Due): Promise<void> {
    const { outbox, now } = this.#options;
    const taken = await outbox.take(due);
    if (taken === null) return;
    const tried = untried(now(), "Its host does not answer");
    this.#tell(taken, await outbox.finish(taken, tried));
    await outbox.lines.move(taken.due, now());
  }
}

type End = (answered: boolean | null) => void;

function lineOf({ id, target }: Due): string {
  return `${id}:${target}`;
}

/** A random wait from `ms` to twice as long, so that not all lines come at once. */
function spread(ms: number): number {
  return Math.round(ms * (1 + Math.random()));
}
