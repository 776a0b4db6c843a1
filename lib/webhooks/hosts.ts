/**
 * How many deliveries are on their way to each host, and whether it answered lately: a host that
 * does not answer must not keep others waiting.
 *
 * @module
 */

import { backoffBound } from "../task/backoff.ts";

/** Most deliveries at once, to all hosts and to each. */
export const AT_ONCE = 64;
const OF_EACH = 8;

/** Most deliveries at once to all hosts that did not answer last time, or were not asked yet. */
const UNPROVEN = AT_ONCE / 2;

/** Deliveries in a row without an answer after which a host gets one at a time, with pauses. */
const MAX_SILENT = 5;

/** The first pause and the longest, in milliseconds. */
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/** Most hosts that are remembered. */
const MAX_KNOWN = 2000;

interface Host {
  /** Deliveries on their way. */
  active: number;
  /** Deliveries in a row without an answer. */
  silent: number;
  /** Whether it answered last time. */
  proven: boolean;
  /** Nothing is sent before this time, in milliseconds of `now()`. */
  until: number;
}

/** `"busy"` until another delivery has ended; a number of milliseconds for a pause. */
export type Room = "free" | "busy" | number;

export class Hosts {
  readonly #hosts = new Map<string, Host>();
  readonly #now: () => number;
  #active = 0;
  #unproven = 0;

  /** @param now As `performance.now()`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get active(): number {
    return this.#active;
  }

  get full(): boolean {
    return this.#active >= AT_ONCE;
  }

  /** Whether a delivery to an origin may begin. */
  room(origin: string): Room {
    const host = this.#hosts.get(origin);
    const { active = 0, silent = 0, proven = false, until = 0 } = host ?? {};
    const left = until - this.#now();
    if (left > 0) return left;
    const most = silent >= MAX_SILENT ? 1 : OF_EACH;
    if (this.full || active >= most || (!proven && this.#unproven >= UNPROVEN)) return "busy";
    return "free";
  }

  /** Begins a delivery; call the result when it has ended, with `null` if the host was not asked. */
  begin(origin: string): (answered: boolean | null) => void {
    const host = this.#hosts.get(origin) ??
      { active: 0, silent: 0, proven: false, until: 0 };
    // Moved to the end: the map is in the order of use.
    this.#hosts.delete(origin);
    this.#hosts.set(origin, host);
    this.#forget();
    const { proven } = host;
    host.active++;
    this.#active++;
    if (!proven) this.#unproven++;
    return (answered) => {
      host.active--;
      this.#active--;
      if (!proven) this.#unproven--;
      if (answered === null) return;
      host.proven = answered;
      host.silent = answered ? 0 : host.silent + 1;
      const times = host.silent - MAX_SILENT + 1;
      host.until = times < 1 ? 0 : this.#now() + backoffBound(times, PAUSE_MS, MAX_PAUSE_MS);
    };
  }

  #forget(): void {
    if (this.#hosts.size <= MAX_KNOWN) return;
    for (const [origin, { active }] of this.#hosts) {
      if (active > 0) continue;
      this.#hosts.delete(origin);
      return;
    }
  }
}
