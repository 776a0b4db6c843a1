/**
 * The times of a cron pattern in a time zone.
 *
 * A time of day that is skipped when clocks are put forward comes at the next time that exists; one
 * that comes twice when they are put back comes once, the first time. A pattern with `*` as its
 * hour means each hour that passes, and neither applies to it.
 *
 * Loaded only if there is a schedule: this is the one place that needs the library.
 *
 * @module
 */

import { Cron } from "croner";
import { CRON_SHAPE, isCronLike, isZone, ZONE_SHAPE } from "../task/schedule.ts";
import { Zone } from "./zone.ts";

/** A pattern or a zone that cannot be one. */
export class CronError extends Error {
  override name = "CronError";
  readonly field: "cron" | "zone";

  constructor(field: "cron" | "zone", message: string) {
    super(message);
    this.field = field;
  }
}

/** Most times that are listed to take the newest of them. */
const MAX_LISTED = 1000;

/** Milliseconds, more than a change of clocks affects. */
const NEAR_MS = 48 * 3600_000;

export class CronTimes {
  readonly #walls: Walls;
  readonly #zone: Zone;
  readonly #everyHour: boolean;

  /**
   * @param now The pattern must match a time within ten years from then.
   * @throws {CronError} Says what would be right.
   */
  constructor(cron: string, zone: string, now: number = Date.now()) {
    if (!isZone(zone)) throw new CronError("zone", `must be ${ZONE_SHAPE}`);
    this.#walls = new Walls(cron);
    this.#everyHour = hourOf(cron) === "*";
    if (this.#walls.next(now) === null) {
      throw new CronError("cron", "must match a time within the next ten years");
    }
    this.#zone = Zone.of(zone);
  }

  /** The first time after `after`, milliseconds since the epoch; `null` if none follows for years. */
  next(after: number): number | null {
    return this.#everyHour ? this.#nextHourly(after) : this.#nextOfDay(after);
  }

  /** The times after `after` and up to `until`, the first `most` of them, in order. */
  between(after: number, until: number, most: number): number[] {
    const times: number[] = [];
    let time = this.next(after);
    while (time !== null && time <= until && times.length < most) {
      times.push(time);
      time = this.next(time);
    }
    return times;
  }

  /** The times after `after` and up to `until`, the last `most` of them, in order. */
  newest(after: number, until: number, most: number): number[] {
    // The span may be long, so it looks at an ever longer part at its end.
    for (let span = 60_000;; span *= 2) {
      const from = Math.max(after, until - span);
      const times = this.between(from, until, MAX_LISTED);
      if (times.length === MAX_LISTED) return this.#newestOfMany(from, until, most);
      if (times.length >= most || from === after) return times.slice(-most);
    }
  }

  /** Finds them from the end: a month may have one each second, and the rest of the year none. */
  #newestOfMany(after: number, until: number, most: number): number[] {
    const times: number[] = [];
    for (let end = until; times.length < most; end = times.at(-1)! - 1) {
      let [low, high] = [after, end];
      let newest: number | null = null;
      while (low < high) {
        const time = this.next(Math.floor((low + high) / 2));
        if (time === null || time > end) high = Math.floor((low + high) / 2);
        else low = newest = time;
      }
      if (newest === null) break;
      times.push(newest);
    }
    return times.reverse();
  }

  #nextOfDay(after: number): number | null {
    let wall = this.#zone.wallAt(after);
    const first = this.#zone.instantOf(wall);
    if (first < after) {
      // The clock was put back and shows this time again: go on after all that comes twice.
      const change = this.#zone.changeIn(first, after)!;
      wall = Math.max(wall, this.#zone.wallAt(change - 1));
    }
    for (let next = this.#walls.next(wall); next !== null; next = this.#walls.next(next)) {
      const instant = this.#zone.instantOf(next);
      if (instant > after) return instant;
    }
    return null;
  }

  #nextHourly(after: number, offset: number = this.#zone.offsetAt(after)): number | null {
    const wall = this.#walls.next(after + offset);
    if (wall === null) return null;
    const instant = wall - offset;
    const near = Math.min(instant, after + NEAR_MS);
    const change = this.#zone.changeIn(after + 1, near);
    // Go on with what the clock shows after the change, which it may have shown before.
    if (change !== null) return this.#nextHourly(change - 1, this.#zone.offsetAt(change));
    // A far one is found again from closer by, where the offset is right: none comes before it.
    return near === instant ? instant : this.#nextHourly(instant - NEAR_MS / 2);
  }
}

/** How far ahead a time is looked for. */
const YEARS = 10;
const YEARS_MS = YEARS * 366 * 24 * 3600_000;

/** The wall times of a pattern, within some years: so it is found quickly that none comes. */
class Walls {
  readonly #cron: string;
  /** The first year that the pattern in `#some` covers. */
  #year = -Infinity;
  #some!: Cron;

  /** @throws {CronError} Says what would be right. */
  constructor(cron: string) {
    if (!isCronLike(cron)) throw new CronError("cron", `must be ${CRON_SHAPE}`);
    this.#cron = cron.startsWith("@") ? NAMED[cron]! : cron;
  }

  /** The next wall time after `after`; `null` if none follows within ten years. */
  next(after: number): number | null {
    const next = this.#asked(after);
    if (next === null || next > after + YEARS_MS) return null;
    // Croner takes February 30 for a day in March, and then passes over the days before it.
    for (let year = new Date(after).getUTCFullYear();; year++) {
      const end = Date.UTC(year, 2, 1) - 1;
      if (end >= next) return next;
      const behind = end > after ? this.#asked(end) : null;
      if (behind !== null && behind < next) return behind;
    }
  }

  #asked(after: number): number | null {
    const date = new Date(after);
    const year = date.getUTCFullYear();
    if (year < this.#year || year > this.#year + YEARS) {
      this.#some = parsed(this.#cron, year, year + 2 * YEARS + 1);
      this.#year = year;
    }
    try {
      return this.#some.nextRun(date)?.getTime() ?? null;
    } catch {
      // Croner recurses for each month without such a day, and may run out of stack: then none comes.
      return null;
    }
  }
}

/** The patterns that names stand for. */
const NAMED: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** @throws {CronError} */
function parsed(cron: string, from: number, to: number): Cron {
  const fields = cron.split(/ +/);
  if (fields.length === 5) fields.unshift("0");
  try {
    // Computed in wall times, which have no zone.
    return new Cron([...fields, `${from}-${to}`].join(" "), { utcOffset: 0 });
  } catch (error) {
    const why = String((error as Error).message).replace(/^CronPattern: /, "");
    throw new CronError("cron", `must be ${CRON_SHAPE}: ${why}`);
  }
}

/** A pattern's field for the hour; `*` if it means each hour. */
function hourOf(cron: string): string {
  if (cron.startsWith("@")) return cron === "@hourly" ? "*" : "0";
  return cron.split(/ +/).at(-4)!.replace("?", "*");
}
