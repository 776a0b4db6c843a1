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

/** Times that are listed to take the newest of them. */
const MAX_LISTED = 1000;

/** Longer than a change of clocks reaches. */
const NEAR_MS = 48 * 3600_000;

export class CronTimes {
  readonly #walls: Walls;
  readonly #zone: Zone;
  readonly #everyHour: boolean;

  /**
   * @param now A time must come within ten years from then.
   * @throws {CronError} That says what would be right.
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

  /** The first time behind `after`, milliseconds since the epoch; `null` where none follows for years. */
  next(after: number): number | null {
    return this.#everyHour ? this.#nextHourly(after) : this.#nextOfDay(after);
  }

  /** The times behind `after` and up to `until`, `most` at most, in order. */
  between(after: number, until: number, most: number): number[] {
    const times: number[] = [];
    let time = this.next(after);
    while (time !== null && time <= until && times.length < most) {
      times.push(time);
      time = this.next(time);
    }
    return times;
  }

  /** The newest times behind `after` and up to `until`, `most` at most, in order. */
  newest(after: number, until: number, most: number): number[] {
    // However long that is: it looks at ever longer ends of it.
    for (let span = 60_000;; span *= 2) {
      const from = Math.max(after, until - span);
      const times = this.between(from, until, MAX_LISTED);
      if (times.length === MAX_LISTED) return this.#newestOfMany(from, until, most);
      if (times.length >= most || from === after) return times.slice(-most);
    }
  }

  /** Finds them one by one from the end: a month may have one for each second, and a year none more. */
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
      // What it shows now it has shown before: on behind all that comes twice.
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
    // What it shows from then on, which may be what it has shown.
    if (change !== null) return this.#nextHourly(change - 1, this.#zone.offsetAt(change));
    // A far one is found from near by: nothing is before it.
    return near === instant ? instant : this.#nextHourly(instant - NEAR_MS / 2);
  }
}

/** How far ahead a time is looked for. */
const YEARS = 10;
const YEARS_MS = YEARS * 366 * 24 * 3600_000;

/** The wall times of a pattern, with an eye on some years alone: to find that none comes must not take long. */
class Walls {
  readonly #cron: string;
  /** The first year that is looked through. */
  #year = -Infinity;
  #some!: Cron;

  /** @throws {CronError} That says what would be right. */
  constructor(cron: string) {
    if (!isCronLike(cron)) throw new CronError("cron", `must be ${CRON_SHAPE}`);
    this.#cron = cron.startsWith("@") ? NAMED[cron]! : cron;
  }

  /** The next one behind another; `null` where none follows within ten years. */
  next(after: number): number | null {
    const next = this.#asked(after);
    if (next === null || next > after + YEARS_MS) return null;
    // Croner takes the 30th of February for a day of March, and passes over those before it.
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
      // It goes a call deeper for each month in which there is no such day: until none is left.
      return null;
    }
  }
}

/** What stands for a name. */
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
    // It counts in wall times, which know no zone.
    return new Cron([...fields, `${from}-${to}`].join(" "), { utcOffset: 0 });
  } catch (error) {
    const why = String((error as Error).message).replace(/^CronPattern: /, "");
    throw new CronError("cron", `must be ${CRON_SHAPE}: ${why}`);
  }
}

/** The field for the hour, as it counts here. */
function hourOf(cron: string): string {
  if (cron.startsWith("@")) return cron === "@hourly" ? "*" : "0";
  return cron.split(/ +/).at(-4)!.replace("?", "*");
}
